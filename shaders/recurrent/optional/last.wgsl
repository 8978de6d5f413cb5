// Writes h after the last step.
fn write_last(sample: u32, u4: u32, h: vec4<f32>) {
    store_last(sample * p.ld4 + u4, h);
}
