fn row_dy(start: u32, i: u32) -> vec4<f32> {
    return load_dy(start + i);
}

fn put_gradients(start: u32, i: u32, dx: vec4<f32>, terms: vec4<f32>) {
    store_dx(start + i, in_columns(dx, i * 4u, p.cols));
    store_terms(start + i, in_columns(terms, i * 4u, p.cols));
}

fn end_row(row: u32, lane: u32, workgroup: u32) {}
