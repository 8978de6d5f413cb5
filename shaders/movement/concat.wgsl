// The row or column of b for row or column i of out. `blocks` is (out, a, b, -): block sizes. A side that is not
// concatenated is one block.
fn source_b(i: u32, blocks: vec4<u32>) -> u32 {
    let within = i % blocks.x;
    return i / blocks.x * blocks.z + select(within, within - blocks.y, within >= blocks.y);
}

fn element(row: u32, col: u32) -> f32 {
    let r = row % p.rows.x;
    let c = col % p.columns.x;
    if r < p.rows.y && c < p.columns.y {
        return load_a((row / p.rows.x * p.rows.y + r) * p.lda + col / p.columns.x * p.columns.y + c);
    }
    return load_b(source_b(row, p.rows) * p.ldb + source_b(col, p.columns));
}
