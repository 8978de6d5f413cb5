fn load(i: u32) -> vec4<f32> {
    return load_data(i);
}
