//! Lowering of the repetition of a dimension of length 1.

use super::{Emitter, Lower, MovementOp, op};
use crate::graph::Value;

impl Lower for op::Repeat {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let along = self.along;
        emitter.movement(MovementOp::Repeat { along }, &[self.x], value);
    }
}
