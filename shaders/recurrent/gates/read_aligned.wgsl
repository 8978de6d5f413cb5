// The number of units is a multiple of 4, so each gate starts at a vec4.
// A gate of the input product at four units.
fn input_gate(row: u32, gate: u32, u4: u32) -> vec4<f32> {
    return load_inputs(row * (p.gates_ld / 4u) + gate * p.ld4 + u4);
}
