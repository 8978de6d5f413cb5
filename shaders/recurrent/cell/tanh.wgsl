// Simple recurrent network: h = tanh(z).

// The next h of four units from the recurrent product.
fn next_state(place: Place, u4: u32, product: mat4x4<f32>, h: vec4<f32>) -> vec4<f32> {
    let z = input_gate(place.row, 0u, u4) + bias_of(0u, u4) + product[0];
    return tanh_of(z);
}

fn save_nothing(row: u32, u4: u32) {}

fn last_cell(place: Place, u4: u32) -> vec4<f32> {
    return vec4<f32>(0.0);
}
