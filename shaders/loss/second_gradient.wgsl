@group(0) @binding(7) var<storage, read_write> second_dx: array<vec4<f32>>; // [rows, cols]

fn write_second_gradient(i: u32, value: vec4<f32>) {
    second_dx[i] = value;
}
