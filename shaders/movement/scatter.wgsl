// The row or column of a and b for row or column i of out. `blocks` is (out, a, -, -).
fn source(i: u32, blocks: vec4<u32>) -> u32 {
    return i / blocks.x * blocks.y + i % blocks.x % blocks.y;
}

fn element(row: u32, col: u32) -> f32 {
    let i = source(row, p.rows) * p.lda + source(col, p.columns);
    // The other side is one block, so it contributes 0 to the place.
    let l = row % p.rows.x / p.rows.y + col % p.columns.x / p.columns.y;
    return select(0.0, load_a(i), load_b(i) == f32(l));
}
