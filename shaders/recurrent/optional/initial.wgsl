// Part 0 of the initial state is h, part 1 c.
fn initial_state(sample: u32, part: u32, u4: u32) -> vec4<f32> {
    return load_initial((sample * STATES + part) * p.ld4 + u4);
}
