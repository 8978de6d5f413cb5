// Each invocation has one sample of its own.
fn of_lane(own: vec4<f32>, lane: u32) -> vec4<f32> {
    return own;
}
