//! Lowering of concatenation.

use super::{Emitter, Lower, MovementOp, op};
use crate::graph::Value;

impl Lower for op::Concat {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let (along, left) = (self.along, self.left);
        emitter.movement(MovementOp::Concat { along, left }, &[self.a, self.b], value);
    }
}
