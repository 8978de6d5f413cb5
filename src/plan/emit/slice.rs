//! Slices.

use super::{Emitter, Lower, Move, op};
use crate::graph::Value;

impl Lower for op::Slice {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let (start, of) = (self.start, emitter.shape(self.x).cols);
        emitter.rearrange(Move::Columns { start, of }, &[self.x], value);
    }
}
