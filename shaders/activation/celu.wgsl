// For z below -104 alpha, exp(z/alpha) is 0 in f32; the bound keeps the quotient finite.
fn f(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    let u = clamp(z, vec4<f32>(-104.0 * alpha), vec4<f32>(0.0)) / alpha;
    return select(alpha * expm1(u), z, z > vec4<f32>(0.0));
}

// exp(z/alpha) = y/alpha + 1.
fn df(y: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return select(y / alpha + 1.0, vec4<f32>(1.0), y > vec4<f32>(0.0));
}
