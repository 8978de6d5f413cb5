// The number of units is no multiple of 4, so gates are written as single floats.
fn gates_at(row: u32, k4: u32) -> vec4<f32> {
    let at = row * p.gates_ld + 4u * k4;
    return vec4<f32>(load_dz(at), load_dz(at + 1u), load_dz(at + 2u), load_dz(at + 3u));
}

// Writes the gradient of a gate before its activation at up to four units, and after the last gate the padding.
fn write_gate(row: u32, gate: u32, u4: u32, value: vec4<f32>) {
    let unit = 4u * u4;
    let at = row * p.gates_ld + gate * p.hidden + unit;
    store_dz(at, value.x);
    if unit + 1u < p.hidden {
        store_dz(at + 1u, value.y);
    }
    if unit + 2u < p.hidden {
        store_dz(at + 2u, value.z);
    }
    if unit + 3u < p.hidden {
        store_dz(at + 3u, value.w);
    }
    if gate + 1u == GATES && u4 + 1u == p.ld4 {
        for (var i = GATES * p.hidden; i < bound(p.gates_ld, row); i++) {
            store_dz(row * p.gates_ld + i, 0.0);
        }
    }
}
