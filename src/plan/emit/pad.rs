//! Zero padding.

use super::{Emitter, Lower, Move, op};
use crate::graph::Value;

impl Lower for op::Pad {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let pad = Move::Pad {
            along: self.along,
            start: self.start,
            count: self.count,
        };
        emitter.rearrange(pad, &[self.x], value);
    }
}
