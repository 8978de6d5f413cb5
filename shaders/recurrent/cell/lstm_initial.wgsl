fn initial_cell_gradient(place: Place, u4: u32) -> vec4<f32> {
    if place.length == 0u {
        return state_gradient(place.sample, 1u, u4);
    }
    return load_carry(place.sample * p.ld4 + u4);
}

fn carried(sample: u32, u4: u32) -> vec4<f32> {
    return vec4<f32>(0.0);
}
