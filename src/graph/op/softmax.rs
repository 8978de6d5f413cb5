//! Softmax over each row, and its logarithm.

use super::{Backward, Differentiable, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};

/// Softmax over each row of x, or its logarithm.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Softmax {
    pub(crate) x: Value,
    pub(crate) log: bool,
}

impl Operation for Softmax {
    operands!(x);

    fn name(&self) -> String {
        format!("Softmax log {}", self.log)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }

    fn activation_name(&self) -> Option<&'static str> {
        Some("softmax")
    }
}

impl Differentiable for Softmax {
    fn vjp(&self, y: Value, dy: Value, backward: &mut Backward<'_>) {
        let log = self.log;
        backward.add(self.x, SoftmaxBackward { dy, y, log });
    }
}

/// The gradient of x, computed from the result y.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SoftmaxBackward {
    pub(crate) dy: Value,
    pub(crate) y: Value,
    pub(crate) log: bool,
}

impl Operation for SoftmaxBackward {
    operands!(dy, y);

    fn name(&self) -> String {
        format!("SoftmaxBackward log {}", self.log)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.y)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Graph {
    /// Softmax over each row.
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument), as in every operation, if the value belongs to another graph.
    pub fn softmax(&mut self, x: Value) -> Result<Value> {
        self.add_operation(Softmax { x, log: false })
    }

    /// The logarithm of the softmax over each row.
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument), as in every operation, if the value belongs to another graph.
    pub fn log_softmax(&mut self, x: Value) -> Result<Value> {
        self.add_operation(Softmax { x, log: true })
    }
}
