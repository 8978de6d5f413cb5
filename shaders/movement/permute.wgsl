// Element number i of out has places along five dimensions; the lengths of the last four are `rows`. The strides of a's
// dimensions, in the same order and in elements without padding, are ldb and `columns`.
fn element(row: u32, col: u32) -> f32 {
    let i3 = row * p.cols + col;
    let i2 = i3 / p.rows.w;
    let i1 = i2 / p.rows.z;
    let i0 = i1 / p.rows.y;
    let inner = vec4<u32>(i0, i1, i2, i3) % p.rows * p.columns;
    let at = i0 / p.rows.x * p.ldb + inner.x + inner.y + inner.z + inner.w;
    return load_a(at / p.cols_a * p.lda + at % p.cols_a);
}
