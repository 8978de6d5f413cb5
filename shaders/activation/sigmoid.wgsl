fn f(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return logistic(z);
}

fn df(y: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return y * (1.0 - y);
}
