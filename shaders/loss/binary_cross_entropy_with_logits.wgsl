// With shares q of label 1 and n of label 0, q + n = 1 without class weights: q log(1 + exp(-x)) + n log(1 + exp(x)) is
// |x| times the share of the label on the other side, plus (q + n) log(1 + exp(-|x|)).
fn loss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    let other = select(positive_share(t), negative_share(t), x >= vec4<f32>(0.0));
    return abs(x) * other + whole_share(t) * log1p(decay(x));
}

fn dloss(x: vec4<f32>, t: vec4<f32>) -> vec4<f32> {
    return whole_share(t) * logistic(x) - positive_share(t);
}
