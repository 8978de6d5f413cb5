//! The difference of two values.

use super::{Backward, Differentiable, Elementwise, Operation, Scale, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel;

/// a − b, element by element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sub {
    pub(crate) a: Value,
    pub(crate) b: Value,
}

impl Operation for Sub {
    operands!(a, b);

    fn name(&self) -> String {
        "Sub".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.a)?;
        graph.expect("sub", self.b, &shape)?;
        Ok(shape)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Elementwise for Sub {
    fn kernel(&self, _: &Graph) -> kernel::Op {
        kernel::Op::Sub
    }
}

impl Differentiable for Sub {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        backward.add_value(self.a, dy);
        let factor = -1.0;
        backward.add(self.b, Scale { a: dy, factor });
    }
}

impl Graph {
    /// a − b, element by element (PyTorch's `torch.sub`).
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input(2)?;
    /// let double = graph.scale(x, 2.0)?;
    /// let y = graph.sub(double, x)?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, 2.0])?, [1.0, 2.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The last dimensions of both are aligned. An operand with length 1 in a dimension, or without the dimension, is
    /// repeated along it.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if the shapes differ in a dimension in which neither has length 1.
    pub fn sub(&mut self, a: Value, b: Value) -> Result<Value> {
        let [a, b] = self.broadcast("sub", a, b)?;
        self.add_operation(Sub { a, b })
    }
}
