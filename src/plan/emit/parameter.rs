//! Lowering of parameters: regions of the parameter arena.

use super::{Emitter, Lower, Operand, op};
use crate::graph::Value;
use crate::plan::role::Role;

impl Lower for op::Parameter {
    fn emit(&self, _: Value, _: &mut Emitter<'_>) {}

    fn place(&self, _: Value, emitter: &Emitter<'_>) -> Option<Operand> {
        Some(emitter.parameter_place(Role::Parameters, self.number))
    }
}
