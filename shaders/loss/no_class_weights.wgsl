fn weights_at(i: u32) -> vec4<f32> {
    return vec4<f32>(1.0);
}

fn weight_of(label: u32) -> f32 {
    return 1.0;
}
