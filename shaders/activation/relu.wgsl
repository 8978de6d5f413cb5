fn f(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return max(z, vec4<f32>(0.0));
}

fn df(y: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return select(vec4<f32>(0.0), vec4<f32>(1.0), y > vec4<f32>(0.0));
}
