//! Lowering of RMS normalisation and its gradient.

use super::{Emitter, Lower, op};
use crate::graph::Value;
use crate::kernel::{RmsNorm, RmsNormBackward};

impl Lower for op::RmsNorm {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let operands = emitter.operands(&[self.x, self.gamma, value]);
        let (shape, epsilon) = (emitter.shape(value), self.epsilon);
        emitter.push(RmsNorm { shape, epsilon }, operands);
    }
}

impl Lower for op::RmsNormBackward {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let mut operands = emitter.operands(&[self.dy, self.x, self.gamma, value]);
        operands.extend(emitter.operands(&emitter.outputs(value)));
        let (shape, epsilon) = (emitter.shape(value), self.epsilon);
        emitter.push(RmsNormBackward { shape, epsilon }, operands);
    }
}
