fn element(row: u32, col: u32) -> f32 {
    return load_a(col * p.lda + row);
}
