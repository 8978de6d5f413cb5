// Groups of channels. A row is a group of one sample, [pixels, width] of its [pixels, channels], so its elements are
// single floats; `start` is the first. Four of them are taken as a vec4 element.
fn row_start(row: u32) -> u32 {
    return row / p.groups * p.block + row % p.groups * p.width;
}

// The numbers of the elements 4i to 4i + 3. Beyond the end they repeat the last one.
fn elements(i: u32) -> vec4<u32> {
    return min(vec4<u32>(i * 4u) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.cols - 1u));
}

fn places(start: u32, i: u32) -> vec4<u32> {
    let element = elements(i);
    return start + element / p.width * p.ld + element % p.width;
}

fn row_x(start: u32, i: u32) -> vec4<f32> {
    let at = places(start, i);
    return vec4<f32>(load_x(at.x), load_x(at.y), load_x(at.z), load_x(at.w));
}

fn first_x(start: u32) -> f32 {
    return load_x(start);
}

fn centred(sum: vec4<f32>) -> vec4<f32> {
    return sum;
}

// The channels of four elements.
fn channels(row: u32, i: u32) -> vec4<u32> {
    return row % p.groups * p.width + elements(i) % p.width;
}

fn row_gamma(row: u32, i: u32) -> vec4<f32> {
    let at = channels(row, i);
    return vec4<f32>(load_gamma(at.x), load_gamma(at.y), load_gamma(at.z), load_gamma(at.w));
}
