//! Lowering of constants: regions of a buffer that is written when the network is built.

use super::{Emitter, Lower, Operand, op};
use crate::graph::Value;
use crate::plan::constants::constant_places;
use crate::plan::role::Role;

impl Lower for op::Constant {
    fn emit(&self, _: Value, _: &mut Emitter<'_>) {}

    fn place(&self, _: Value, emitter: &Emitter<'_>) -> Option<Operand> {
        let (places, _) = constant_places(emitter.graph);
        Some(Operand::Role {
            role: Role::Constants,
            offset: places[self.number],
            len: emitter.graph.constants[self.number].shape.floats(),
        })
    }
}
