fn element(row: u32, col: u32) -> f32 {
    return a[row * p.lda + p.start + col];
}
