fn initial_cell_gradient(place: Place, u4: u32) -> vec4<f32> {
    return vec4<f32>(0.0);
}

fn carried(sample: u32, u4: u32) -> vec4<f32> {
    return load_carry(sample * p.ld4 + u4);
}
