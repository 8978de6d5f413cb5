// Threefry2x32 with 20 rounds (Salmon et al. 2011): two random words, a function of key and counter alone.
fn threefry(key: vec2<u32>, counter: vec2<u32>) -> vec2<u32> {
    let keys = array<u32, 3>(key.x, key.y, 0x1bd11bdau ^ key.x ^ key.y);
    var x = counter + key;
    for (var i = 0u; i < 5u; i++) {
        // Rounds are in groups of four, which alternate between these two sets of rotations.
        let by = select(vec4<u32>(17u, 29u, 16u, 24u), vec4<u32>(13u, 15u, 26u, 6u), i % 2u == 0u);
        x = threefry_round(x, by.x);
        x = threefry_round(x, by.y);
        x = threefry_round(x, by.z);
        x = threefry_round(x, by.w);
        x += vec2<u32>(keys[(i + 1u) % 3u], keys[(i + 2u) % 3u] + i + 1u);
    }
    return x;
}

fn threefry_round(x: vec2<u32>, by: u32) -> vec2<u32> {
    let sum = x.x + x.y;
    return vec2<u32>(sum, ((x.y << by) | (x.y >> (32u - by))) ^ sum);
}

// The key for steps with this high half, which does not fit the counter.
fn key_at(key: vec2<u32>, high: u32) -> vec2<u32> {
    return vec2<u32>(key.x, key.y ^ high);
}

// The four random words of vec4 element `element` in step `step`.
fn random_words(key: vec2<u32>, step: u32, element: u32) -> vec4<u32> {
    return vec4<u32>(
        threefry(key, vec2<u32>(step, 2u * element)),
        threefry(key, vec2<u32>(step, 2u * element + 1u)),
    );
}
