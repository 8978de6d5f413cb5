//! Lowering of the maximum along a dimension and its gradient.

use super::{Emitter, Lower, MovementOp, op};
use crate::graph::Value;
use crate::kernel::DimensionMax;

impl Lower for op::Max {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let mut operands = emitter.operands(&[self.x, value]);
        operands.extend(emitter.operands(&emitter.outputs(value)));
        let (along, shape) = (self.along, emitter.shape(self.x));
        emitter.push(DimensionMax { along, shape }, operands);
    }
}

impl Lower for op::MaxBackward {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let along = self.along;
        emitter.movement(
            MovementOp::Scatter { along },
            &[self.dy, self.places],
            value,
        );
    }
}
