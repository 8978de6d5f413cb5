fn f(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return select(alpha * expm1(min(z, vec4<f32>(0.0))), z, z > vec4<f32>(0.0));
}

// alpha is not negative, so y has the sign of z; alpha exp(z) = y + alpha.
fn df(y: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return select(y + alpha, vec4<f32>(1.0), y > vec4<f32>(0.0));
}
