fn f(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return z;
}

fn df(y: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return vec4<f32>(1.0);
}
