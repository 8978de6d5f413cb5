// Writes the gradient of a gate of the input product, where it differs from that of the recurrent product.
fn write_input_gate(row: u32, gate: u32, u4: u32, value: vec4<f32>) {
    let unit = 4u * u4;
    let at = row * p.gates_ld + gate * p.hidden + unit;
    store_dinputs(at, value.x);
    if unit + 1u < p.hidden {
        store_dinputs(at + 1u, value.y);
    }
    if unit + 2u < p.hidden {
        store_dinputs(at + 2u, value.z);
    }
    if unit + 3u < p.hidden {
        store_dinputs(at + 3u, value.w);
    }
    if gate + 1u == GATES && u4 + 1u == p.ld4 {
        for (var i = GATES * p.hidden; i < bound(p.gates_ld, row); i++) {
            store_dinputs(row * p.gates_ld + i, 0.0);
        }
    }
}
