//! Lowering of slices: a copy, unless only products read it, where it lies.

use super::{Emitter, Fusion, Lower, MovementOp, op, views};
use crate::graph::{Graph, Value};

impl Lower for op::Slice {
    fn emit(&self, value: Value, emitter: &mut Emitter<'_>) {
        let slice = MovementOp::Slice {
            along: self.along,
            start: self.start,
            count: self.count,
        };
        emitter.movement(slice, &[self.x], value);
    }

    fn fuse(&self, value: Value, graph: &Graph, fusion: &mut Fusion) {
        views::fuse_slice(self, value, graph, fusion);
    }
}
