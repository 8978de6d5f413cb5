// Writes the gradient of a gate of the input product, where it differs from that of the recurrent product.
fn write_input_gate(row: u32, gate: u32, u4: u32, value: vec4<f32>) {
    store_dinputs(row * (p.gates_ld / 4u) + gate * p.ld4 + u4, value);
}
