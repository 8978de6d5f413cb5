// The outputs of the steps have no gradient.
fn output_gradient(at: u32) -> vec4<f32> {
    return vec4<f32>(0.0);
}
