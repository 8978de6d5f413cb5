//! Lowering of zero padding.

use super::{Emitter, Lower, MovementOp, op};
use crate::graph::Value;

impl Lower for op::Pad {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let pad = MovementOp::Pad {
            along: self.along,
            start: self.start,
            count: self.count,
        };
        emitter.movement(pad, &[self.x], value);
    }
}
