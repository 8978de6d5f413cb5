@group(0) @binding(8) var<storage, read_write> third_dx: array<vec4<f32>>; // [rows, cols]

fn write_third_gradient(i: u32, value: vec4<f32>) {
    third_dx[i] = value;
}
