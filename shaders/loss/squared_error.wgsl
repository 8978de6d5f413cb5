fn loss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return (x - t) * (x - t);
}

fn dloss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return 2.0 * (x - t);
}
