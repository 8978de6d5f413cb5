// Dropout of the weights. The random words are those of a matrix with a row for each query of each head, and a column for
// each key, whose rows are padded to fours.

fn key_of_step(step: vec2<u32>) -> vec2<u32> {
    return key_at(p.dropout_key, step.y);
}

// The factor of the weight of a word: 0, or 1 / (1 - probability).
fn factors_of(words: vec4<u32>) -> vec4<f32> {
    return select(vec4<f32>(0.0), vec4<f32>(p.factor), words >= vec4<u32>(p.threshold));
}

// The factors of four keys in a row of weights, the first of which is a multiple of four.
fn factors_of_keys(step: vec2<u32>, row: u32, key: u32) -> vec4<f32> {
    return factors_of(random_words(key_of_step(step), step.x, row * p.mask_ld4 + key / 4u));
}

// The factors of a key in four rows of weights. A pair of words belongs to two keys.
fn factors_of_queries(step: vec2<u32>, row: u32, key: u32) -> vec4<f32> {
    let pairs = (vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u)) * (2u * p.mask_ld4) + vec4<u32>(key / 2u);
    let key_words = key_of_step(step);
    let a = threefry(key_words, vec2<u32>(step.x, pairs.x));
    let b = threefry(key_words, vec2<u32>(step.x, pairs.y));
    let c = threefry(key_words, vec2<u32>(step.x, pairs.z));
    let d = threefry(key_words, vec2<u32>(step.x, pairs.w));
    return factors_of(select(vec4<u32>(a.x, b.x, c.x, d.x), vec4<u32>(a.y, b.y, c.y, d.y), key % 2u == 1u));
}

fn dropped(values: vec4<f32>, factors: vec4<f32>) -> vec4<f32> {
    return values * factors;
}
