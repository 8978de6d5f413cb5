fn op(i: u32, col: u32) -> vec4<f32> {
    return load_a(i) * load_b(i);
}
