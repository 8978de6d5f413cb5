fn f(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return z * logistic(z);
}

fn df(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    let s = logistic(z);
    return s * (1.0 + z * logistic(-z));
}
