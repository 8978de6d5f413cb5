fn row_beta(row: u32, i: u32) -> vec4<f32> {
    let at = channels(row, i);
    return vec4<f32>(load_beta(at.x), load_beta(at.y), load_beta(at.z), load_beta(at.w));
}

fn put_y(start: u32, i: u32, value: vec4<f32>) {
    let at = places(start, i);
    let count = p.cols - i * 4u;
    store_y(at.x, value.x);
    if count > 1u {
        store_y(at.y, value.y);
    }
    if count > 2u {
        store_y(at.z, value.z);
    }
    if count > 3u {
        store_y(at.w, value.w);
    }
}

// The last group of a sample zeros the padding of its pixels.
fn end_row(row: u32, lane: u32, workgroup: u32) {
    if row % p.groups < p.groups - 1u {
        return;
    }
    let first = row / p.groups * p.block;
    for (var pixel = lane; pixel < bound(p.padded, workgroup); pixel += LANES) {
        for (var i = bound(p.groups * p.width, workgroup); i < p.ld; i++) {
            store_y(first + pixel * p.ld + i, 0.0);
        }
    }
}
