@group(0) @binding(4) var<storage, read> bias: array<Packed>; // [N]

fn with_bias(value: vec4<f32>, col: u32) -> vec4<f32> {
    return value + unpack(bias[col / 4u]);
}
