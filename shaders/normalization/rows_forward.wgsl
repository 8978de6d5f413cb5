fn put_y(start: u32, i: u32, value: vec4<f32>) {
    store_y(start + i, in_columns(value, i * 4u, p.cols));
}

fn end_row(row: u32, lane: u32, workgroup: u32) {}
