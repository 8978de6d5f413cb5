// Columns 4j to 4j + 3 of a head of OPERAND that starts at a float, with zeros beyond the head.
fn four_OPERAND(start: u32, j: u32, width: u32) -> vec4<f32> {
    let at = vec4<u32>(start) + min(vec4<u32>(4u * j) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(width - 1u));
    let four = vec4<f32>(load_OPERAND(at.x), load_OPERAND(at.y), load_OPERAND(at.z), load_OPERAND(at.w));
    return in_columns(four, 4u * j, width);
}
