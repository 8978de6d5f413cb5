// The least probability of a label, so that logarithm and quotient are finite.
const LEAST = 1e-30;

// With shares q of label 1 and n of label 0: -q log(x) - n log(1 - x).
fn loss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    let least = vec4<f32>(LEAST);
    return -(positive_share(t) * log(max(x, least)) + negative_share(t) * log(max(1.0 - x, least)));
}

// Where a probability is below LEAST, its logarithm is flat.
fn dloss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    let least = vec4<f32>(LEAST);
    let y = 1.0 - x;
    let of_one = select(vec4<f32>(0.0), positive_share(t) / max(x, least), x >= least);
    let of_zero = select(vec4<f32>(0.0), negative_share(t) / max(y, least), y >= least);
    return of_zero - of_one;
}
