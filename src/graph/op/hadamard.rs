//! The elementwise product of two values.

use super::{Backward, Differentiable, Elementwise, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel;

/// a ⊙ b.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hadamard {
    pub(crate) a: Value,
    pub(crate) b: Value,
}

impl Operation for Hadamard {
    operands!(a, b);

    fn name(&self) -> String {
        "Hadamard".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.a)?;
        graph.expect("hadamard", self.b, &shape)?;
        Ok(shape)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Elementwise for Hadamard {
    fn kernel(&self, _: &Graph) -> kernel::Op {
        kernel::Op::Hadamard
    }
}

impl Differentiable for Hadamard {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let Hadamard { a, b } = *self;
        backward.add(a, Hadamard { a: dy, b });
        backward.add(b, Hadamard { a: dy, b: a });
    }
}

impl Graph {
    /// The Hadamard product a ⊙ b.
    ///
    /// The last dimensions of both are aligned. An operand with length 1 in a dimension, or without the dimension, is
    /// repeated along it.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if the shapes differ in a dimension in which neither has length 1.
    pub fn hadamard(&mut self, a: Value, b: Value) -> Result<Value> {
        let [a, b] = self.broadcast("hadamard", a, b)?;
        self.add_operation(Hadamard { a, b })
    }
}
