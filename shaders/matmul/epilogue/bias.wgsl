fn with_bias(value: vec4<f32>, col: u32) -> vec4<f32> {
    return value + load_bias(col / 4u);
}
