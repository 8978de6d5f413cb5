//! Lowering of slices.

use super::{Emitter, Lower, MovementOp, op};
use crate::graph::Value;

impl Lower for op::Slice {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let slice = MovementOp::Slice {
            along: self.along,
            start: self.start,
            count: self.count,
        };
        emitter.movement(slice, &[self.x], value);
    }
}
