//! The elementwise product of two values.

use super::{Backward, Differentiable, Elementwise, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel;

/// a ⊙ b.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mul {
    pub(crate) a: Value,
    pub(crate) b: Value,
}

impl Operation for Mul {
    operands!(a, b);

    /// The name in checkpoints, from before the operation was called `mul`.
    fn name(&self) -> String {
        "Hadamard".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.a)?;
        graph.expect("mul", self.b, &shape)?;
        Ok(shape)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Elementwise for Mul {
    fn kernel(&self, _: &Graph) -> kernel::Op {
        kernel::Op::Mul
    }
}

impl Differentiable for Mul {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let Mul { a, b } = *self;
        backward.add(a, Mul { a: dy, b });
        backward.add(b, Mul { a: dy, b: a });
    }
}

impl Graph {
    /// The elementwise (Hadamard) product a ⊙ b.
    ///
    /// The last dimensions of both are aligned. An operand with length 1 in a dimension, or without the dimension, is
    /// repeated along it.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if the shapes differ in a dimension in which neither has length 1.
    pub fn mul(&mut self, a: Value, b: Value) -> Result<Value> {
        let [a, b] = self.broadcast("mul", a, b)?;
        self.add_operation(Mul { a, b })
    }
}
