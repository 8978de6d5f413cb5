//! Zero padding.

use super::{Emitter, Lower, Move, op};
use crate::graph::Value;

impl Lower for op::Pad {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let (start, width) = (self.start, emitter.shape(self.x).cols);
        emitter.rearrange(Move::Place { start, width }, &[self.x], value);
    }
}
