var<private> found: bool = false;

fn finish(value: vec4<f32>, i: u32, col: u32) -> vec4<f32> {
    found = found || is_out_of_bounds(value, p.id);
    return value;
}

fn finished() {
    if found {
        atomicMin(&state[FIRST_NON_FINITE], guard_id(p.id));
    }
}
