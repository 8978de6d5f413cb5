//! Lowering of reshapes: an alias of the operand if the memory layout is equal, else a copy.

use super::{Emitter, Lower, MovementOp, Operand, op};
use crate::graph::Value;

impl Lower for op::Reshape {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        if !self.is_free() {
            let from = emitter.shape(self.x);
            emitter.movement(MovementOp::Reshape { from }, &[self.x], value);
        }
    }

    fn place(&self, _: Value, emitter: &Emitter<'_>) -> Option<Operand> {
        self.is_free().then(|| emitter.operand(self.x))
    }
}
