// Columns 4j to 4j + 3 of a head of OPERAND that starts at a float. Heads start at multiples of four.
fn four_OPERAND(start: u32, j: u32, width: u32) -> vec4<f32> {
    return load_OPERAND(start / 4u + j);
}
