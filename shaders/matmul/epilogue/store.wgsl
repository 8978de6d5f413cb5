@group(0) @binding(3) var<storage, read_write> out: array<Packed>;

// Writes the four values at columns col to col + 3 of a row of the product.
fn store(row: u32, col: u32, value: vec4<f32>) {
    let i = row * p.ldc + col / 4u;
    out[i] = pack(in_columns(finish(with_bias(value, col), i, col), col, p.n));
}
