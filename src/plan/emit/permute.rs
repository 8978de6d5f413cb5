//! Lowering of permutations.

use super::{Emitter, Lower, MovementOp, op};
use crate::graph::Value;

impl Lower for op::Permute {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let permute = MovementOp::Permute {
            permutation: self.permutation,
            from: emitter.shape(self.x),
        };
        emitter.movement(permute, &[self.x], value);
    }
}
