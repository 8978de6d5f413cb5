// Normalisation with running statistics [2, cols], for values of any magnitude.

// 1 / sqrt(variance + epsilon). If the sum is small, both are scaled by 2^64, since either may be too small for a
// normal number. A subnormal variance is read from its bits, since adapters may flush it. p.alpha is epsilon, p.beta
// epsilon times 2^64.
fn inverse_std(variance: vec4<f32>) -> vec4<f32> {
    let bits = bitcast<vec4<u32>>(variance);
    let small = variance + p.alpha < vec4<f32>(1e-18);
    // The lowest bit of a subnormal number is 2^-149, which is 2^-85 in units of 2^-64.
    let in_units = select(variance * 1.8446744e19, vec4<f32>(bits) * 2.5849394e-26, bits < vec4<u32>(0x800000u));
    let scaled = select(variance + p.alpha, in_units + p.beta, small);
    return inverseSqrt(scaled) * select(vec4<f32>(1.0), vec4<f32>(4294967296.0), small);
}

// factor * (value - mean) * inverse, without intermediate overflow.
fn scaled_distance(factor: vec4<f32>, value: vec4<f32>, mean: vec4<f32>, inverse: vec4<f32>) -> vec4<f32> {
    // Differences of numbers above 2^100 are taken in units of 16.
    let far = max(abs(value), abs(mean)) > vec4<f32>(1.2676506e30);
    let unit = select(vec4<f32>(1.0), vec4<f32>(0.0625), far);
    let back = select(vec4<f32>(1.0), vec4<f32>(16.0), far);
    return product_of(factor, value * unit - mean * unit, inverse * back);
}

// a * b * c. The smallest and the largest factor are multiplied first: their product is no further from 1 than the
// largest factor, the smallest factor, or the result.
fn product_of(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>) -> vec4<f32> {
    let a_first = abs(a) < abs(b);
    let low = select(b, a, a_first);
    let high = select(a, b, a_first);
    let is_smallest = abs(c) < abs(low);
    let is_largest = abs(c) > abs(high);
    let smallest = select(low, c, is_smallest);
    let largest = select(high, c, is_largest);
    let middle = select(select(c, low, is_smallest), high, is_largest);
    return smallest * largest * middle;
}
