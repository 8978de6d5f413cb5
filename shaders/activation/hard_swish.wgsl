fn f(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    return z * (clamp(z + 3.0, vec4<f32>(0.0), vec4<f32>(6.0)) * 0.16666667);
}

fn df(z: vec4<f32>, alpha: f32, beta: f32) -> vec4<f32> {
    let c = clamp(z, vec4<f32>(-3.0), vec4<f32>(3.0));
    let middle = (2.0 * c + 3.0) * 0.16666667;
    return select(select(middle, vec4<f32>(0.0), z <= vec4<f32>(-3.0)), vec4<f32>(1.0), z >= vec4<f32>(3.0));
}
