fn op(i: u32, col: u32) -> vec4<f32> {
    return load_x(i) + load_bias(col / 4u);
}
