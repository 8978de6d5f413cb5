fn load_saved(i: u32) -> vec4<f32> {
    return load_all_saved(first.z + i);
}
