fn state_gradient(sample: u32, part: u32, u4: u32) -> vec4<f32> {
    return load_dstate((sample * STATES + part) * p.ld4 + u4);
}
