fn loss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return -t * x;
}

fn dloss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return -t;
}
