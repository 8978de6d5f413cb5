// The row or column within a's block for one of out, beyond it where there is none (a number below 0 wraps).
// blocks: (of out, of a, -, start of a's within out's).
fn within(i: u32, blocks: vec4<u32>) -> u32 {
    return i % blocks.x - blocks.w;
}

fn element(row: u32, col: u32) -> f32 {
    let r = within(row, p.rows);
    let c = within(col, p.columns);
    if r >= p.rows.y || c >= p.columns.y {
        return 0.0;
    }
    return a[(row / p.rows.x * p.rows.y + r) * p.lda + col / p.columns.x * p.columns.y + c];
}
