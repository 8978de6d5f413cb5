@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>; // [cols]

fn op(i: u32, col: u32) -> vec4<f32> {
    return x[i] + bias[col / 4u];
}
