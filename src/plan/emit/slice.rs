//! Slices.

use super::{Emitter, Lower, Move, op};
use crate::graph::Value;

impl Lower for op::Slice {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let slice = Move::Slice {
            along: self.along,
            start: self.start,
            count: self.count,
        };
        emitter.rearrange(slice, &[self.x], value);
    }
}
