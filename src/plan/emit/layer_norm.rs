//! Lowering of layer normalisation and its gradient.

use super::{Emitter, Lower, op};
use crate::graph::Value;
use crate::kernel::{LayerNorm, LayerNormBackward};

impl Lower for op::LayerNorm {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let operands = emitter.operands(&[self.x, self.gamma, self.beta, value]);
        let (shape, epsilon) = (emitter.shape(value), self.epsilon);
        emitter.push(LayerNorm { shape, epsilon }, operands);
    }
}

impl Lower for op::LayerNormBackward {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let mut operands = emitter.operands(&[self.dy, self.x, self.gamma, value]);
        operands.extend(emitter.operands(&emitter.outputs(value)));
        let (shape, epsilon) = (emitter.shape(value), self.epsilon);
        emitter.push(LayerNormBackward { shape, epsilon }, operands);
    }
}
