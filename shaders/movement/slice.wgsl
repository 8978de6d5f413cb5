// The row or column of a for row or column i of out. `blocks` is (out, a, -, offset within a's block).
fn source(i: u32, blocks: vec4<u32>) -> u32 {
    return i / blocks.x * blocks.y + i % blocks.x + blocks.w;
}

fn element(row: u32, col: u32) -> f32 {
    return load_a(source(row, p.rows) * p.lda + source(col, p.columns));
}
