// Reductions along one dimension: each invocation computes four neighbouring elements of a row of the result, each from
// `length` numbers of x that lie `step` floats apart.

struct Params {
    count: u32, // total number of vec4 elements of the result
    cols: u32, // columns of the result
    ld4: u32, // vec4 elements in a row of the result
    ldx: u32, // floats in a row of x
    length: u32, // numbers that are reduced to one
    step: u32, // floats from one of these numbers to the next
    pad: vec2<u32>,
    blocks: vec4<u32>, // rows in a block of x and of the result, then columns
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;

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
    return vec4<f32>(x[i.x], x[i.y], x[i.z], x[i.w]);
}

// Zeros in the padding.
fn in_result(values: vec4<f32>, i: u32) -> vec4<f32> {
    let cols = vec4<u32>(i % p.ld4 * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    return select(vec4<f32>(0.0), values, cols < vec4<u32>(p.cols));
}
