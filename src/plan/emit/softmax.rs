//! Lowering of softmax and its gradient.

use super::{Emitter, Lower, op};
use crate::graph::Value;
use crate::kernel::{Softmax, SoftmaxBackward};

impl Lower for op::Softmax {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let operands = emitter.operands(&[self.x, value]);
        let shape = emitter.shape(value);
        let log = self.log;
        emitter.push(Softmax { log, shape }, operands);
    }
}

impl Lower for op::SoftmaxBackward {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let operands = emitter.operands(&[self.dy, self.y, value]);
        let shape = emitter.shape(value);
        let log = self.log;
        emitter.push(SoftmaxBackward { log, shape }, operands);
    }
}
