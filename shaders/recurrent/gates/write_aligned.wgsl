// The number of units is a multiple of 4, so each gate starts at a vec4.
fn gates_at(row: u32, k4: u32) -> vec4<f32> {
    return load_dz(row * (p.gates_ld / 4u) + k4);
}

// Writes the gradient of a gate before its activation at four units.
fn write_gate(row: u32, gate: u32, u4: u32, value: vec4<f32>) {
    store_dz(row * (p.gates_ld / 4u) + gate * p.ld4 + u4, value);
}
