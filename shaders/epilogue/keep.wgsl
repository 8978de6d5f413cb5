@group(0) @binding(6) var<storage, read_write> kept: array<vec4<f32>>; // z, for the derivative [M, N]

fn finish(z: vec4<f32>, i: u32, col: u32) -> vec4<f32> {
    kept[i] = in_columns(z, col, p.n);
    return keep_nan(z, f(z, p.alpha, p.beta));
}
