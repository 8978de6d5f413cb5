// Stores columns 4j to 4j + 3 of a head of OPERAND that starts at a float, up to the head's last.
fn put_OPERAND(start: u32, j: u32, width: u32, value: vec4<f32>) {
    let at = start + 4u * j;
    let count = width - 4u * j;
    store_OPERAND(at, value.x);
    if count > 1u {
        store_OPERAND(at + 1u, value.y);
    }
    if count > 2u {
        store_OPERAND(at + 2u, value.z);
    }
    if count > 3u {
        store_OPERAND(at + 3u, value.w);
    }
}

// Zeros in the padding of a row, of fewer than four floats.
fn pad_OPERAND(start: u32, count: u32) {
    for (var i = 0u; i < count; i++) {
        store_OPERAND(start + i, 0.0);
    }
}
