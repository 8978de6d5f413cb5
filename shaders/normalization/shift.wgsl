fn row_beta(row: u32, i: u32) -> vec4<f32> {
    return load_beta(i);
}
