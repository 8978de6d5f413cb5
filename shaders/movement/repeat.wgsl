// The row or column of a for row or column i of out. `blocks` is (out, a, -, -).
fn source(i: u32, blocks: vec4<u32>) -> u32 {
    return i / blocks.x * blocks.y + i % blocks.x % blocks.y;
}

fn element(row: u32, col: u32) -> f32 {
    return load_a(source(row, p.rows) * p.lda + source(col, p.columns));
}
