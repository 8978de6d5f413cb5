// The bound is needed since WGSL does not define a division by more than 2^126.
fn f(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    let bounded = clamp(z, vec4<f32>(-1e30), vec4<f32>(1e30));
    return bounded / (1.0 + abs(bounded));
}

fn df(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    let r = 1.0 / (1.0 + min(abs(z), vec4<f32>(1e30)));
    return r * r;
}
