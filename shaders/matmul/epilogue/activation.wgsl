fn finish(z: vec4<f32>, i: u32, col: u32) -> vec4<f32> {
    return keep_nan(z, f(z, p.alpha, p.beta));
}

fn finished() {}
