fn output_gradient(at: u32) -> vec4<f32> {
    return load_dy(at);
}
