//! Reshapes: the place of the operand where the elements lie there as they are, else a copy.

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
