// No clipping.
fn clip_factor(lane: u32) -> vec2<f32> {
    return vec2<f32>(1.0);
}

fn clipped(g: vec4<f32>, factor: vec2<f32>) -> vec4<f32> {
    return g;
}
