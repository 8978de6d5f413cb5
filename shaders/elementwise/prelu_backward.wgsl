@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> a: array<vec4<f32>>; // [cols], or one number

fn op(i: u32, col: u32) -> vec4<f32> {
    return select(slope(col) * dy[i], dy[i], x[i] > vec4<f32>(0.0));
}
