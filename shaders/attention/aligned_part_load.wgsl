// Columns 4j to 4j + 3 of a head of OPERAND that starts at a float, or zeros beyond the head: its fours are no multiple of
// the invocations that share it. Heads start at multiples of four.
fn four_OPERAND(start: u32, j: u32, width: u32) -> vec4<f32> {
    let last = width / 4u - 1u;
    return select(vec4<f32>(0.0), load_OPERAND(start / 4u + min(j, last)), j <= last);
}
