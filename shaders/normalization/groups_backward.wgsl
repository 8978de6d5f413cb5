fn row_dy(start: u32, i: u32) -> vec4<f32> {
    let at = places(start, i);
    let dy = vec4<f32>(load_dy(at.x), load_dy(at.y), load_dy(at.z), load_dy(at.w));
    return in_columns(dy, i * 4u, p.cols);
}

fn put_gradients(start: u32, i: u32, dx: vec4<f32>, terms: vec4<f32>) {
    let at = places(start, i);
    let count = p.cols - i * 4u;
    put(at.x, dx.x, terms.x);
    if count > 1u {
        put(at.y, dx.y, terms.y);
    }
    if count > 2u {
        put(at.z, dx.z, terms.z);
    }
    if count > 3u {
        put(at.w, dx.w, terms.w);
    }
}

fn put(at: u32, dx: f32, term: f32) {
    store_dx(at, dx);
    store_terms(at, term);
}

// The last group of a sample zeros the padding of its pixels.
fn end_row(row: u32, lane: u32, workgroup: u32) {
    if row % p.groups < p.groups - 1u {
        return;
    }
    let first = row / p.groups * p.block;
    for (var pixel = lane; pixel < bound(p.padded, workgroup); pixel += LANES) {
        for (var i = bound(p.groups * p.width, workgroup); i < p.ld; i++) {
            put(first + pixel * p.ld + i, 0.0, 0.0);
        }
    }
}
