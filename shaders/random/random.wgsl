// Fills a matrix with random numbers: each invocation makes one vec4 of them, draw(i, words), from four random words.

struct Params {
    count: u32, // vec4 elements in all
    cols: u32,
    ld4: u32, // vec4 elements in a row
    key0: u32,
    key1: u32,
    first: f32, // the lowest number, or the mean
    second: f32, // the width of the range, or the deviation
    last: f32, // the greatest number below the end of the range
    zero: u32, // 0, which the compiler does not know
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> state: array<u32>; // words 0 and 8: step
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;

// The upper 24 bits of each word, as numbers in [0, 1): exact.
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
