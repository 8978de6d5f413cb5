// The gradients of keys and values are slices of one matrix.
fn put_dk(start: u32, j: u32, width: u32, value: vec4<f32>) {
    put_dkv(start, j, width, value);
}

fn pad_dk(start: u32, count: u32) {
    pad_dkv(start, count);
}

fn put_dv(start: u32, j: u32, width: u32, value: vec4<f32>) {
    put_dkv(start, j, width, value);
}

fn pad_dv(start: u32, count: u32) {
    pad_dkv(start, count);
}
