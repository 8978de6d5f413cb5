fn f(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return min(z, vec4<f32>(0.0)) - log1p(decay(z));
}

// sigmoid(-z) = 1 - exp(y).
fn df(y: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return -expm1(min(y, vec4<f32>(0.0)));
}
