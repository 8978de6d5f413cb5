fn op(i: u32, col: u32) -> vec4<f32> {
    return p.alpha * load_a(i);
}
