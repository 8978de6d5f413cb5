fn finish(z: vec4<f32>, i: u32, col: u32) -> vec4<f32> {
    store_kept(i, in_columns(z, col, p.n));
    return keep_nan(z, f(z, p.alpha, p.beta));
}

fn finished() {}
