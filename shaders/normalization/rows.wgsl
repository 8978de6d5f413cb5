// Rows of matrices. A row's elements are vec4 elements one after another; `start` is the first.
fn row_start(row: u32) -> u32 {
    return row * p.ld4;
}

fn row_x(start: u32, i: u32) -> vec4<f32> {
    return load_x(start + i);
}

fn row_gamma(row: u32, i: u32) -> vec4<f32> {
    return load_gamma(i);
}
