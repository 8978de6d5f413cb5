// 1.0507010 is lambda, 1.7580993 lambda times alpha.
fn f(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return select(1.7580993 * expm1(min(z, vec4<f32>(0.0))), 1.0507010 * z, z > vec4<f32>(0.0));
}

fn df(y: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return select(y + 1.7580993, vec4<f32>(1.0507010), y > vec4<f32>(0.0));
}
