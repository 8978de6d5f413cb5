// max(x, 0) - x t is |x| times the part of the target on the other side.
fn loss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return abs(x) * select(t, 1.0 - t, x >= vec4<f32>(0.0)) + log1p(decay(x));
}

fn dloss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return logistic(x) - t;
}
