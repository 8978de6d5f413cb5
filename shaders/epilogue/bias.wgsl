@group(0) @binding(4) var<storage, read> bias: array<vec4<f32>>; // [N]

fn with_bias(value: vec4<f32>, col: u32) -> vec4<f32> {
    return value + bias[col / 4u];
}
