// 1 where u is below the probability. Since u is not negative, the bits of both, as signed integers, compare like the
// numbers.
fn draw(i: u32, words: vec4<u32>) -> vec4<f32> {
    let value = load_probability(i);
    let below = bitcast<vec4<i32>>(unit(words)) < bitcast<vec4<i32>>(value);
    return keep_nan(value, select(vec4<f32>(0.0), vec4<f32>(1.0), below));
}
