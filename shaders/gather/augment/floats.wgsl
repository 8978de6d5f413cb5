// Value i of the sample whose row begins at vec4 `start4`.
fn value(start4: u32, i: u32) -> f32 {
    return load_data(start4 * 4u + i);
}
