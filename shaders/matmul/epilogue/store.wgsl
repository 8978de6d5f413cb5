// Writes the four values at columns col to col + 3 of a row of the product.
fn store(row: u32, col: u32, value: vec4<f32>) {
    let i = row * p.ldc + col / 4u;
    store_out(i, in_columns(finish(with_bias(value, col), i, col), col, p.n));
}
