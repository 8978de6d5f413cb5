// The parameter is the margin.
fn loss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return max(vec4<f32>(0.0), p.parameter - t * x);
}

fn dloss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return select(vec4<f32>(0.0), -t, t * x < vec4<f32>(p.parameter));
}
