fn store_kept(i: u32, value: vec4<f32>) {
    store_all_kept(first.z + i, value);
}
