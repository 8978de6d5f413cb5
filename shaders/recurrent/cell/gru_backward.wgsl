// GRU: dn = (1 - u) ⊙ dh, du = (h₋₁ - n) ⊙ dh, dr = a ⊙ dn. The gate n of the recurrent product has the factor r.
fn backward(place: Place, u4: u32, dh: vec4<f32>) {
    let row = place.row;
    let at = row * SAVED * p.ld4 + u4;
    let r = load_saved(at);
    let u = load_saved(at + p.ld4);
    let n = load_saved(at + 2u * p.ld4);
    let a = load_saved(at + 3u * p.ld4);
    let h = load_saved(at + 4u * p.ld4);
    let dn = dh * (1.0 - u) * (1.0 - n * n);
    let du = dh * (h - n) * (u * (1.0 - u));
    let dr = dn * a * (r * (1.0 - r));
    write_gate(row, 0u, u4, dr);
    write_gate(row, 1u, u4, du);
    write_gate(row, 2u, u4, dn * r);
    write_input_gate(row, 0u, u4, dr);
    write_input_gate(row, 1u, u4, du);
    write_input_gate(row, 2u, u4, dn);
    store_carry(place.sample * p.ld4 + u4, in_columns(dh * u, 4u * u4, p.hidden));
}

// A step past the length passes the carried gradient on unchanged: in reverse order, such steps precede the first
// step in use.
fn backward_nothing(place: Place, u4: u32) {
    for (var gate = 0u; gate < GATES; gate++) {
        write_gate(place.row, gate, u4, vec4<f32>(0.0));
        write_input_gate(place.row, gate, u4, vec4<f32>(0.0));
    }
}

// The part of the gradient of h that passes by the product.
fn carried(sample: u32, u4: u32) -> vec4<f32> {
    return load_carry(sample * p.ld4 + u4);
}
