fn op(i: u32, col: u32) -> vec4<f32> {
    let value = load_z(i);
    return keep_nan(value, f(value, p.alpha, p.beta));
}
