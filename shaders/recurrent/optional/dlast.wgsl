fn last_gradient(sample: u32, u4: u32) -> vec4<f32> {
    return load_dlast(sample * p.ld4 + u4);
}
