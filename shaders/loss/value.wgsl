fn loss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return x;
}

fn dloss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(1.0);
}
