// The state after the last step has no gradient.
fn state_gradient(sample: u32, part: u32, u4: u32) -> vec4<f32> {
    return vec4<f32>(0.0);
}
