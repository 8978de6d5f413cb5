//! Stop gradient: a value that counts as a constant.

use super::{Backward, Differentiable, Elementwise, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel;

/// x, treated as a constant by differentiation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StopGradient {
    pub(crate) x: Value,
}

impl Operation for StopGradient {
    operands!(x);

    fn name(&self) -> String {
        "StopGradient".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }

    fn alias(&self, _inference: bool) -> Option<Value> {
        Some(self.x)
    }

    fn constant_operands(&self) -> Option<&'static str> {
        Some("operands of stop_gradient")
    }
}

/// The kernel would be a copy, but [`alias`](Operation::alias) replaces the operation before lowering.
impl Elementwise for StopGradient {
    fn kernel(&self, _: &Graph) -> kernel::Op {
        kernel::Op::Scale(1.0)
    }
}

impl Differentiable for StopGradient {
    fn vjp(&self, _: Value, _: Value, _: &mut Backward<'_>) {}
}

impl Graph {
    /// x as a constant: the same values, but no gradient flows to x.
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument), as in every operation, if the value belongs to another graph.
    pub fn stop_gradient(&mut self, x: Value) -> Result<Value> {
        self.add_operation(StopGradient { x })
    }
}
