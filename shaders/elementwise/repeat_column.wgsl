@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>; // [rows, 1], so one vec4 per row

fn op(i: u32, col: u32) -> vec4<f32> {
    return vec4<f32>(a[i / p.ld4].x);
}
