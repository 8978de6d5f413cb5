// Writes a part of the state after the last step.
fn write_state(sample: u32, part: u32, u4: u32, value: vec4<f32>) {
    store_end_state((sample * STATES + part) * p.ld4 + u4, value);
}
