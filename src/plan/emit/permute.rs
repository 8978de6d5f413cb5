//! Lowering of permutations: a copy, unless only products read it, where it lies.

use super::{Emitter, Fusion, Lower, MovementOp, op, views};
use crate::graph::{Graph, Value};

impl Lower for op::Permute {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let permute = MovementOp::Permute {
            permutation: self.permutation,
            from: emitter.shape(self.x),
        };
        emitter.movement(permute, &[self.x], value);
    }

    fn fuse(&self, value: Value, graph: &Graph, fusion: &mut Fusion) {
        views::fuse_permute(value, graph, fusion);
    }
}
