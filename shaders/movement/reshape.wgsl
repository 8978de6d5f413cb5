fn element(row: u32, col: u32) -> f32 {
    let i = row * p.cols + col;
    return load_a(i / p.cols_a * p.lda + i % p.cols_a);
}
