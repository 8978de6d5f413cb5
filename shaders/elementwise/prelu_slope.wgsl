fn op(i: u32, col: u32) -> vec4<f32> {
    return load_dy(i) * select(load_x(i), vec4<f32>(0.0), load_x(i) > vec4<f32>(0.0));
}
