// h after the last step is not an output.
fn write_last(sample: u32, u4: u32, h: vec4<f32>) {}
