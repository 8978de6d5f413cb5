@group(0) @binding(3) var<storage, read_write> dz: array<vec4<f32>>; // [rows, cols]

fn write_gradient(i: u32, value: vec4<f32>) {
    dz[i] = value;
}
