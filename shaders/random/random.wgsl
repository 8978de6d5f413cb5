// Fills a matrix with random numbers: each invocation computes one vec4, draw(i, words), from four random words.

struct Params {
    count: u32, // total number of vec4 elements
    cols: u32,
    ld4: u32, // vec4 elements in a row
    key0: u32,
    key1: u32,
    first: f32, // the lower end of the range, or the mean
    second: f32, // the width of the range, or the standard deviation
    last: f32, // the largest number below the end of the range
    zero: u32, // 0, hidden from the compiler
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> state: array<u32>; // words 0 and 8: step
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;

// The upper 24 bits of each word, as exact numbers in [0, 1).
fn unit(words: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(words >> vec4<u32>(8u)) * (1.0 / 16777216.0);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.x + group.y * groups.x) * WORKGROUP + lane;
    if i >= p.count {
        return;
    }
    let words = random_words(key_at(vec2<u32>(p.key0, p.key1), state[8]), state[0], i);
    out[i] = in_columns(draw(i, words), i % p.ld4 * 4u, p.cols);
}
