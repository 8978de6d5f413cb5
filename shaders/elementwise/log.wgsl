@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;

fn op(i: u32, col: u32) -> vec4<f32> {
    return log(a[i]);
}
