// Stores the maximum of a row of scores and 1 / sum of exp(score - maximum), for the gradients; and with dropout the step,
// in halves of words, which are exact as floats.
fn keep_statistics(row: u32, head: u32, maximum: f32, inverse: f32) {
    store_statistics(statistics_at(row, head), vec4<f32>(maximum, inverse, 0.0, 0.0));
    if DROPOUT == 1u && head == 0u {
        let step = step_of(row).xxyy;
        let halves = vec4<f32>((step >> vec4<u32>(0u, 16u, 0u, 16u)) & vec4<u32>(0xffffu));
        store_statistics(statistics_at(row, p.heads), halves);
    }
}
