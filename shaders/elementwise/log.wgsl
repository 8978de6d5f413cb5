fn op(i: u32, col: u32) -> vec4<f32> {
    return log(load_a(i));
}
