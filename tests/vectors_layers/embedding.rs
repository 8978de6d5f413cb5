//! Embeddings, forward and backward.

use super::each;
use crate::common::compare::Tolerance;
use crate::common::precision::ULP;

/// Sums of at most 24 values below 4.
const SUMS: Tolerance = Tolerance {
    relative: 24.0 * ULP,
    absolute: 24.0 * ULP,
};

#[test]
fn embeddings_are_pytorchs() {
    each("embedding", |case| {
        let [tokens, weight, dy] = ["indices", "weight", "dy"].map(|name| case.tensor(name));
        let padding = case.file.attributes["padding_idx"].as_u64();
        let y = weight.embedding(&tokens).unwrap();
        case.check("y", &y, Tolerance::EXACT);
        let vocabulary = case.file.shape("weight")[0];
        let dw = dy.embedding_backward(&tokens, vocabulary, padding.map(|token| token as usize));
        case.check("dweight", &dw.unwrap(), SUMS);
    });
}
