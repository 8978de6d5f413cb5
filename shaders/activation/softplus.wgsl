// alpha z, clamped to +-128. Beyond that, softplus and its derivative no longer change, since beta, the threshold, is
// at most 100.
fn scaled(z: vec4<f32>, alpha: f32) -> vec4<f32> {
    let limit = vec4<f32>(128.0 / alpha);
    return alpha * clamp(z, -limit, limit);
}

fn f(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    let u = scaled(z, alpha);
    return select(max(z, vec4<f32>(0.0)) + log1p(decay(u)) / alpha, z, u > vec4<f32>(beta));
}

fn df(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    let u = scaled(z, alpha);
    return select(logistic(u), vec4<f32>(1.0), u > vec4<f32>(beta));
}
