fn op(i: u32, col: u32) -> vec4<f32> {
    let column = col / 4u;
    return scaled_distance(load_dy(i), load_x(i), load_running(column), inverse_std(load_running(p.ld4 + column)));
}
