// LSTM: dc = f₊₁ ⊙ dc₊₁ + dh ⊙ o ⊙ (1 - tanh²(c)), and the gates' gradients from it.
fn cell_before(place: Place, u4: u32) -> vec4<f32> {
    if place.starts {
        return initial_state(place.sample, 1u, u4);
    }
    return load_saved((row_before(place) * SAVED + 4u) * p.ld4 + u4);
}

fn backward(place: Place, u4: u32, dh: vec4<f32>) {
    let row = place.row;
    let at = row * SAVED * p.ld4 + u4;
    let i = load_saved(at);
    let f = load_saved(at + p.ld4);
    let g = load_saved(at + 2u * p.ld4);
    let o = load_saved(at + 3u * p.ld4);
    let t = tanh_of(load_saved(at + 4u * p.ld4));
    var dc = dh * o * (1.0 - t * t);
    if place.ends {
        dc += state_gradient(place.sample, 1u, u4);
    } else {
        dc += load_carry(place.sample * p.ld4 + u4);
    }
    write_gate(row, 0u, u4, dc * g * (i * (1.0 - i)));
    write_gate(row, 1u, u4, dc * cell_before(place, u4) * (f * (1.0 - f)));
    write_gate(row, 2u, u4, dc * i * (1.0 - g * g));
    write_gate(row, 3u, u4, dh * t * (o * (1.0 - o)));
    store_carry(place.sample * p.ld4 + u4, in_columns(dc * f, 4u * u4, p.hidden));
}

// A step past the length passes the carried gradient on unchanged: in reverse order, such steps precede the first
// step in use.
fn backward_nothing(place: Place, u4: u32) {
    for (var gate = 0u; gate < GATES; gate++) {
        write_gate(place.row, gate, u4, vec4<f32>(0.0));
    }
}

// No part of the gradient of h passes by the product: that of c does.
fn carried(sample: u32, u4: u32) -> vec4<f32> {
    return vec4<f32>(0.0);
}
