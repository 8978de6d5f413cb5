@group(0) @binding(6) var<storage, read_write> dx: array<vec4<f32>>; // [rows, cols]

fn write_gradient(i: u32, value: vec4<f32>) {
    dx[i] = value;
}
