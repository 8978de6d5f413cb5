// The parameter is delta.
fn loss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    let d = abs(x - t);
    return select(p.parameter * (d - 0.5 * p.parameter), 0.5 * d * d, d <= vec4<f32>(p.parameter));
}

fn dloss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return clamp(x - t, vec4<f32>(-p.parameter), vec4<f32>(p.parameter));
}
