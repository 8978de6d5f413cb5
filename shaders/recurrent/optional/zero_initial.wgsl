// The initial state is 0.
fn initial_state(sample: u32, part: u32, u4: u32) -> vec4<f32> {
    return vec4<f32>(0.0);
}
