// GRU: r, u = σ(z), n = tanh(x + r ⊙ a), a = Wₙ·h₋₁ + bₙ, h = (1 - u) ⊙ n + u ⊙ h₋₁.
// The next h of four units from the recurrent products of their gates. Keeps the gates, a, and the h before.
fn next_state(place: Place, u4: u32, product: mat4x4<f32>, h: vec4<f32>) -> vec4<f32> {
    let row = place.row;
    let r = sigmoid_of(input_gate(row, 0u, u4) + bias_of(0u, u4) + product[0]);
    let u = sigmoid_of(input_gate(row, 1u, u4) + bias_of(1u, u4) + product[1]);
    let a = bias_of(2u, u4) + product[2];
    let n = tanh_of(input_gate(row, 2u, u4) + r * a);
    save(row, u4, r, u, n, a, h);
    return n + u * (h - n);
}

fn save(row: u32, u4: u32, r: vec4<f32>, u: vec4<f32>, n: vec4<f32>, a: vec4<f32>, h: vec4<f32>) {
    let at = row * SAVED * p.ld4 + u4;
    store_saved(at, r);
    store_saved(at + p.ld4, u);
    store_saved(at + 2u * p.ld4, n);
    store_saved(at + 3u * p.ld4, a);
    store_saved(at + 4u * p.ld4, h);
}

// A step past the length.
fn save_nothing(row: u32, u4: u32) {
    let zero = vec4<f32>(0.0);
    save(row, u4, zero, zero, zero, zero, zero);
}

fn last_cell(place: Place, u4: u32) -> vec4<f32> {
    return vec4<f32>(0.0);
}
