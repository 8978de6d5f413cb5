fn gates_at(row: u32, k4: u32) -> vec4<f32> {
    return load_dz(row * (p.gates_ld / 4u) + k4);
}
