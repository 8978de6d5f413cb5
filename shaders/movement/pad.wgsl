// The row or column within a's block for row or column i of out. It is beyond the block if there is none (a negative
// number wraps). `blocks` is (out, a, -, offset of a's block within out's).
fn within(i: u32, blocks: vec4<u32>) -> u32 {
    return i % blocks.x - blocks.w;
}

fn element(row: u32, col: u32) -> f32 {
    let r = within(row, p.rows);
    let c = within(col, p.columns);
    if r >= p.rows.y || c >= p.columns.y {
        return 0.0;
    }
    return load_a((row / p.rows.x * p.rows.y + r) * p.lda + col / p.columns.x * p.columns.y + c);
}
