//! Concatenation.

use super::{Emitter, Lower, Move, op};
use crate::graph::Value;

impl Lower for op::Concat {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let left = emitter.shape(self.a).cols;
        emitter.rearrange(Move::Concatenate { left }, &[self.a, self.b], value);
    }
}
