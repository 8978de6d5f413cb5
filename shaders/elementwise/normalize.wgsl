fn op(i: u32, col: u32) -> vec4<f32> {
    let column = col / 4u;
    let inverse = inverse_std(load_running(p.ld4 + column));
    return scaled_distance(load_gamma(column), load_x(i), load_running(column), inverse) + load_beta(column);
}
