// From exp(-|z|), which cannot overflow.
fn f(z: vec4<f32>, alpha: f32) -> vec4<f32> {
    let e = exp(-abs(z));
    let r = 1.0 / (1.0 + e);
    return select(e * r, r, z >= vec4<f32>(0.0));
}

fn df(y: vec4<f32>, alpha: f32) -> vec4<f32> {
    return y * (1.0 - y);
}
