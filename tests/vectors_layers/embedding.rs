//! Embeddings, forward and backward.

use super::each;
use crate::common::compare::Tolerance;
use crate::common::precision::ULP;

/// Sums of up to as many values below 4 as there are tokens.
fn sums(tokens: usize) -> Tolerance {
    Tolerance {
        relative: 24.0 * ULP,
        absolute: tokens.max(24) as f64 * ULP,
    }
}

#[test]
fn embeddings_are_pytorchs() {
    each("embedding", |case| {
        let [tokens, weight] = ["indices", "weight"].map(|name| case.tensor(name));
        // A vector of tokens is a row of them here, so dy has that dimension too.
        let dims = [tokens.shape(), &weight.shape()[1..]].concat();
        let dy = case.upload(&dims, &case.file.narrow("dy"));
        let padding = case.file.attributes["padding_idx"].as_u64();
        let y = weight.embedding(&tokens).unwrap();
        assert_eq!(y.shape(), dims, "{}: the shape of y", case.name);
        case.check("y", &y, Tolerance::EXACT);
        let vocabulary = case.file.shape("weight")[0];
        let dw = dy.embedding_backward(&tokens, vocabulary, padding.map(|token| token as usize));
        let tokens = tokens.shape().iter().product();
        case.check("dweight", &dw.unwrap(), sums(tokens));
    });
}
