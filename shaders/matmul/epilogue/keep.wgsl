@group(0) @binding(6) var<storage, read_write> kept: array<Packed>; // z, for the derivative [M, N]

fn finish(z: vec4<f32>, i: u32, col: u32) -> vec4<f32> {
    kept[i] = pack(in_columns(z, col, p.n));
    return keep_nan(z, f(z, p.alpha, p.beta));
}

fn finished() {}
