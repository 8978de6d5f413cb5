// Stores the maximum of a row of scores and 1 / sum of exp(score - maximum), for the gradients.
fn keep_statistics(at: u32, maximum: f32, inverse: f32) {
    store_statistics(at, vec4<f32>(maximum, inverse, 0.0, 0.0));
}
