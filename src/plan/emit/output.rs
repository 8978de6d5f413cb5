//! Lowering of further outputs, which the calls of their operations write.

use super::{Emitter, Fusion, Lower, Op, op};
use crate::graph::{Graph, Value};

impl Lower for op::Output {
    /// Emits nothing: the operation's own call writes the output, see `fuse`.
    fn emit(&self, _: Value, _: &mut Emitter<'_>) {}

    fn fuse(&self, value: Value, _: &Graph, fusion: &mut Fusion) {
        fusion.host[value.0] = Some(self.of.0);
    }

    fn tests_gradient(&self, graph: &Graph) -> bool {
        matches!(graph.op(self.of), Op::BatchNormBackward(_))
    }
}
