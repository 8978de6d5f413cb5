// The recurrent product has no bias.
fn bias_of(gate: u32, u4: u32) -> vec4<f32> {
    return vec4<f32>(0.0);
}
