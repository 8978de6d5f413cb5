//! Lowering of inputs: each has its own buffer, which the gather or the host writes.

use super::{Emitter, Lower, Operand, op};
use crate::graph::Value;

impl Lower for op::Input {
    fn emit(&self, _: Value, _: &mut Emitter<'_>) {}

    fn place(&self, value: Value, emitter: &Emitter<'_>) -> Option<Operand> {
        let floats = emitter.shape(value).floats();
        Some(Operand::whole(emitter.input_role(self.number), floats))
    }
}
