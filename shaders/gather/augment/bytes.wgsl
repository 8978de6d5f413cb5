// Value i of the sample whose row begins at this vec4.
fn value(start4: u32, i: u32) -> f32 {
    return f32((data[start4 + i / 4u] >> (i % 4u * 8u)) & 0xffu);
}
