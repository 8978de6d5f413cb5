fn loss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return max(vec4<f32>(0.0), -t * x);
}

// The derivative at 0 is that of the wrong side, so that a perceptron that starts at zero learns.
fn dloss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return select(vec4<f32>(0.0), -t, t * x <= vec4<f32>(0.0));
}
