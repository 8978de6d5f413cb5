@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;

fn op(i: u32, col: u32) -> vec4<f32> {
    return dy[i] * select(x[i], vec4<f32>(0.0), x[i] > vec4<f32>(0.0));
}
