//! Lowering of target values: they have their own buffer, which the gather or the host writes.

use super::{Emitter, Lower, Operand, op};
use crate::graph::Value;

impl Lower for op::Targets {
    fn emit(&self, _: Value, _: &mut Emitter<'_>) {}

    fn place(&self, value: Value, emitter: &Emitter<'_>) -> Option<Operand> {
        Some(emitter.targets(emitter.shape(value).cols))
    }
}
