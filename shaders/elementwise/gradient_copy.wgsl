fn op(i: u32, col: u32) -> vec4<f32> {
    let value = load_a(i);
    if is_out_of_bounds(value, p.id) {
        atomicMin(&state[FIRST_NON_FINITE], guard_id(p.id));
    }
    return value;
}
