// Fills a matrix with random numbers: each invocation computes one vec4, draw(i, words), from four random words.

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
    let words = random_words(key_at(vec2<u32>(p.key0, p.key1), state[STEP_HIGH]), state[STEP], i);
    store_out(i, in_columns(draw(i, words), i % p.ld4 * 4u, p.cols));
}
