@group(0) @binding(1) var<storage, read> z: array<vec4<f32>>;

fn op(i: u32, col: u32) -> vec4<f32> {
    let value = z[i];
    return keep_nan(value, f(value, p.alpha, p.beta));
}
