//! The quotient of two values.

use super::{Backward, Differentiable, Elementwise, Mul, Operation, Scale, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel;

/// a / b, element by element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Div {
    pub(crate) a: Value,
    pub(crate) b: Value,
}

impl Operation for Div {
    operands!(a, b);

    fn name(&self) -> String {
        "Div".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.a)?;
        graph.expect("div", self.b, &shape)?;
        Ok(shape)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Elementwise for Div {
    fn kernel(&self, _: &Graph) -> kernel::Op {
        kernel::Op::Div
    }
}

impl Differentiable for Div {
    fn vjp(&self, y: Value, dy: Value, backward: &mut Backward<'_>) {
        let Div { a, b } = *self;
        backward.add(a, Div { a: dy, b });
        // −dy ⊙ y / b.
        let product = backward.push(Mul { a: dy, b: y });
        let quotient = backward.push(Div { a: product, b });
        let factor = -1.0;
        backward.add(
            b,
            Scale {
                a: quotient,
                factor,
            },
        );
    }
}

impl Graph {
    /// a / b, element by element (PyTorch's `torch.div`). The result is not finite where b is 0. If it reaches a loss,
    /// the training step is [`NonFinite`](crate::Error::NonFinite).
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input(2)?;
    /// let double = graph.scale(x, 2.0)?;
    /// let y = graph.div(x, double)?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, -4.0])?, [0.5, 0.5]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The last dimensions of both are aligned. An operand with length 1 in a dimension, or without the dimension, is
    /// repeated along it.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if the shapes differ in a dimension in which neither has length 1.
    pub fn div(&mut self, a: Value, b: Value) -> Result<Value> {
        let [a, b] = self.broadcast("div", a, b)?;
        self.add_operation(Div { a, b })
    }
}
