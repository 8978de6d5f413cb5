//! The data set: [`SAMPLES`] random samples that carry their labels, so that training shows in the loss. The time of a
//! step does not depend on the values.

use burn::prelude::*;

/// Samples in the data set.
pub(crate) const SAMPLES: usize = 1024;

/// Classes of the images and of the sequences.
const CLASSES: usize = 10;

/// Kinds of tokens.
const TOKENS: usize = 64;

/// Tokens in a sequence.
const LENGTH: usize = 32;

/// Values of `shape` [`SAMPLES`, …] in [0, 1), and labels [`SAMPLES`, 1], which run through the classes. A value is
/// uniform in [0, ½), plus ½ if its index in its sample is the label modulo the number of classes.
pub(crate) fn labelled_values<const D: usize>(
    shape: [usize; D],
    device: &Device,
) -> (Tensor<D>, Tensor<2, Int>) {
    let features: usize = shape[1..].iter().product();
    let mut state = 1u32;
    let values = (0..SAMPLES * features).map(|index| {
        let (sample, feature) = (index / features, index % features);
        // A linear congruential generator, whose upper 24 bits are a float without rounding.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let uniform = (state >> 8) as f32 / (1 << 24) as f32;
        let is_bright = feature % CLASSES == sample % CLASSES;
        0.5 * uniform + if is_bright { 0.5 } else { 0.0 }
    });
    let labels = (0..SAMPLES).map(|sample| (sample % CLASSES) as i32);
    (
        Tensor::from_data(TensorData::new(values.collect(), shape), device),
        Tensor::from_data(TensorData::new(labels.collect(), [SAMPLES, 1]), device),
    )
}

/// Tokens [`SAMPLES`, `LENGTH`], and the token that follows each of them, of the same shape. The sequences' first tokens
/// run through the kinds. After a token comes 5·token + 3, modulo the number of kinds.
pub(crate) fn token_sequences(device: &Device) -> (Tensor<2, Int>, Tensor<2, Int>) {
    let next = |token: usize| (5 * token + 3) % TOKENS;
    let mut tokens = Vec::new();
    for sample in 0..SAMPLES {
        let first = sample % TOKENS;
        tokens.extend(std::iter::successors(Some(first), |&token| Some(next(token))).take(LENGTH));
    }
    let tensor =
        |values: Vec<i32>| Tensor::from_data(TensorData::new(values, [SAMPLES, LENGTH]), device);
    (
        tensor(tokens.iter().map(|&token| token as i32).collect()),
        tensor(tokens.iter().map(|&token| next(token) as i32).collect()),
    )
}
