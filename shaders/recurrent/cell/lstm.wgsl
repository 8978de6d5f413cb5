// LSTM: i, f, o = σ(z), g = tanh(z), c = f ⊙ c₋₁ + i ⊙ g, h = o ⊙ tanh(c).
fn cell_before(place: Place, u4: u32) -> vec4<f32> {
    if place.starts {
        return initial_state(place.sample, 1u, u4);
    }
    return load_saved((row_before(place) * SAVED + 4u) * p.ld4 + u4);
}

// The next h of four units from the recurrent products of their gates. Keeps the gates, c, and the h before.
fn next_state(place: Place, u4: u32, product: mat4x4<f32>, h: vec4<f32>) -> vec4<f32> {
    let row = place.row;
    let i = sigmoid_of(input_gate(row, 0u, u4) + bias_of(0u, u4) + product[0]);
    let f = sigmoid_of(input_gate(row, 1u, u4) + bias_of(1u, u4) + product[1]);
    let g = tanh_of(input_gate(row, 2u, u4) + bias_of(2u, u4) + product[2]);
    let o = sigmoid_of(input_gate(row, 3u, u4) + bias_of(3u, u4) + product[3]);
    let c = in_columns(f * cell_before(place, u4) + i * g, 4u * u4, p.hidden);
    save(row, u4, i, f, g, o, c, h);
    return o * tanh_of(c);
}

fn save(
    row: u32,
    u4: u32,
    i: vec4<f32>,
    f: vec4<f32>,
    g: vec4<f32>,
    o: vec4<f32>,
    c: vec4<f32>,
    h: vec4<f32>,
) {
    let at = row * SAVED * p.ld4 + u4;
    store_saved(at, i);
    store_saved(at + p.ld4, f);
    store_saved(at + 2u * p.ld4, g);
    store_saved(at + 3u * p.ld4, o);
    store_saved(at + 4u * p.ld4, c);
    store_saved(at + 5u * p.ld4, h);
}

// A step past the length.
fn save_nothing(row: u32, u4: u32) {
    let zero = vec4<f32>(0.0);
    save(row, u4, zero, zero, zero, zero, zero, zero);
}

// c after the last step.
fn last_cell(place: Place, u4: u32) -> vec4<f32> {
    return load_saved((place.row * SAVED + 4u) * p.ld4 + u4);
}
