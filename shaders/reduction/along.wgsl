// Reductions along one dimension: each invocation computes four neighbouring elements of a row of the result, each from
// `length` numbers of x that lie `step` floats apart.

// Index of the first number of x for each of four elements of the result. The padding repeats the row's last element.
fn first(i: u32) -> vec4<u32> {
    let row = i / p.ld4;
    let cols = min(vec4<u32>(i % p.ld4 * 4u) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.cols - 1u));
    let row_x = row / p.blocks.y * p.blocks.x + row % p.blocks.y;
    let cols_x = cols / p.blocks.w * p.blocks.z + cols % p.blocks.w;
    return row_x * p.ldx + cols_x;
}

// The numbers at index `place` along the dimension.
fn at(start: vec4<u32>, place: u32) -> vec4<f32> {
    let i = start + place * p.step;
    return vec4<f32>(load_x(i.x), load_x(i.y), load_x(i.z), load_x(i.w));
}

// Zeros in the padding.
fn in_result(values: vec4<f32>, i: u32) -> vec4<f32> {
    let cols = vec4<u32>(i % p.ld4 * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    return select(vec4<f32>(0.0), values, cols < vec4<u32>(p.cols));
}
