//! Lowering of transposes.

use super::{Emitter, Lower, MovementOp, op};
use crate::graph::Value;

impl Lower for op::Transpose {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        emitter.movement(MovementOp::Transpose, &[self.x], value);
    }
}
