//! The sum of two values.

use super::{Backward, Differentiable, Elementwise, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel;

/// a + b, element by element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Add {
    pub(crate) a: Value,
    pub(crate) b: Value,
}

impl Operation for Add {
    operands!(a, b);

    fn name(&self) -> String {
        "Add".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.a)?;
        graph.expect("add", self.b, &shape)?;
        Ok(shape)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Elementwise for Add {
    fn kernel(&self, _: &Graph) -> kernel::Op {
        kernel::Op::Add
    }
}

impl Differentiable for Add {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        backward.add_value(self.a, dy);
        backward.add_value(self.b, dy);
    }
}

impl Graph {
    /// a + b, element by element.
    ///
    /// The last dimensions of both are aligned. An operand with length 1 in a dimension, or without the dimension, is
    /// repeated along it.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if the shapes differ in a dimension in which neither has length 1.
    pub fn add(&mut self, a: Value, b: Value) -> Result<Value> {
        let [a, b] = self.broadcast("add", a, b)?;
        self.add_operation(Add { a, b })
    }
}
