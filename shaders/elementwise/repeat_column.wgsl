fn op(i: u32, col: u32) -> vec4<f32> {
    return vec4<f32>(load_a_component(i / p.ld4, 0u));
}
