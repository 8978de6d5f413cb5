// The smallest probability of a label, so that logarithm and quotient are finite.
const MIN_PROBABILITY = 1e-30;

// With shares q of label 1 and n of label 0: -q log(x) - n log(1 - x).
fn loss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    let min_probability = vec4<f32>(MIN_PROBABILITY);
    return -(positive_share(t) * log(max(x, min_probability)) + negative_share(t) * log(max(1.0 - x, min_probability)));
}

// The logarithm is flat below MIN_PROBABILITY.
fn dloss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    let min_probability = vec4<f32>(MIN_PROBABILITY);
    let y = 1.0 - x;
    let of_one = select(vec4<f32>(0.0), positive_share(t) / max(x, min_probability), x >= min_probability);
    let of_zero = select(vec4<f32>(0.0), negative_share(t) / max(y, min_probability), y >= min_probability);
    return of_zero - of_one;
}
