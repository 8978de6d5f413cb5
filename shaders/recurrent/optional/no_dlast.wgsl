// h after the last step has no gradient of its own.
fn last_gradient(sample: u32, u4: u32) -> vec4<f32> {
    return vec4<f32>(0.0);
}
