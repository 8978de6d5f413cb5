fn op(i: u32, col: u32) -> vec4<f32> {
    return load_dy(i) * df(load_saved(i), p.alpha, p.beta);
}
