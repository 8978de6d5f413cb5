//! Lowering of embeddings and their gradients.

use super::{Emitter, Lower, Operand, op};
use crate::graph::Value;
use crate::kernel::embedding::Embedded;
use crate::kernel::{EmbeddingChains, EmbeddingGradient, EmbeddingLookup, MatrixShape};

/// The tokens of a whole batch and the weight.
fn embedded(
    emitter: &Emitter<'_>,
    [rows, cols]: [usize; 2],
    weight: Value,
    padding: Option<usize>,
) -> Embedded {
    let weight = emitter.shape(weight);
    Embedded {
        tokens: MatrixShape::new(emitter.spec.batch * rows, cols),
        vocabulary: weight.rows,
        width: weight.cols,
        padding,
    }
}

impl Lower for op::Embedding {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let operands = emitter.operands(&[self.tokens, self.w, value]);
        let embedded = embedded(emitter, self.tokens_of_sample, self.w, self.padding);
        emitter.push(EmbeddingLookup { embedded }, operands);
    }
}

impl Lower for op::EmbeddingBackward {
    /// Two calls: the chains of equal tokens, in scratch memory, and the sums along them.
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let embedded = embedded(emitter, self.tokens_of_sample, value, self.padding);
        let tokens = emitter.operand(self.tokens);
        let chains = Operand::Scratch {
            of: value,
            floats: embedded.chains(),
        };
        emitter.push(EmbeddingChains { embedded }, vec![tokens, chains]);
        let [dy, dw] = [self.dy, value].map(|value| emitter.operand(value));
        emitter.push(EmbeddingGradient { embedded }, vec![tokens, chains, dy, dw]);
    }
}
