fn element(row: u32, col: u32) -> f32 {
    if col < p.start || col >= p.start + p.width {
        return 0.0;
    }
    return a[row * p.lda + col - p.start];
}
