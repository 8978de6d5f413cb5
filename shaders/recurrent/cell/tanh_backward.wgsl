// Simple recurrent network: dz = f′ ⊙ dh, with f′ from h.
fn backward(place: Place, u4: u32, dh: vec4<f32>) {
    let y = load_saved(place.row * p.ld4 + u4);
    write_gate(place.row, 0u, u4, dh * (1.0 - y * y));
}

fn backward_nothing(place: Place, u4: u32) {
    write_gate(place.row, 0u, u4, vec4<f32>(0.0));
}

// No part of the gradient of h passes by the product.
fn carried(sample: u32, u4: u32) -> vec4<f32> {
    return vec4<f32>(0.0);
}
