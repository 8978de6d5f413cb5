@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>; // [1, cols]

fn op(i: u32, col: u32) -> vec4<f32> {
    return a[col / 4u];
}
