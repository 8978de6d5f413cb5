@group(0) @binding(2) var<storage, read> b: array<f32>;

fn element(row: u32, col: u32) -> f32 {
    if col < p.start {
        return a[row * p.lda + col];
    }
    return b[row * p.ldb + col - p.start];
}
