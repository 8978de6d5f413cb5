//! Transposes.

use super::{Emitter, Lower, Move, op};
use crate::graph::Value;

impl Lower for op::Transpose {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        emitter.rearrange(Move::Transpose, &[self.x], value);
    }
}
