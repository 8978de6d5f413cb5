// The state after the last step is not an output.
fn write_state(sample: u32, part: u32, u4: u32, value: vec4<f32>) {}
