// The parameter is beta.
fn loss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    let d = abs(x - t);
    return select(d - 0.5 * p.parameter, 0.5 * d * (d / p.parameter), d < vec4<f32>(p.parameter));
}

fn dloss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    let d = x - t;
    return select(sign(d), d / p.parameter, abs(d) < vec4<f32>(p.parameter));
}
