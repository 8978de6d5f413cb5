// Stores columns 4j to 4j + 3 of a head of OPERAND that starts at a float. Heads start at multiples of four.
fn put_OPERAND(start: u32, j: u32, width: u32, value: vec4<f32>) {
    store_OPERAND(start / 4u + j, value);
}

// There is no padding.
fn pad_OPERAND(start: u32, count: u32) {}
