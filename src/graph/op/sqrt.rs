//! The square root.

use super::{Backward, Differentiable, Div, Elementwise, Operation, Scale, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel;

/// √x, element by element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sqrt {
    pub(crate) x: Value,
}

impl Operation for Sqrt {
    operands!(x);

    fn name(&self) -> String {
        "Sqrt".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Elementwise for Sqrt {
    fn kernel(&self, _: &Graph) -> kernel::Op {
        kernel::Op::Sqrt
    }
}

impl Differentiable for Sqrt {
    fn vjp(&self, y: Value, dy: Value, backward: &mut Backward<'_>) {
        // dy / (2·y).
        let half = backward.push(Scale { a: dy, factor: 0.5 });
        backward.add(self.x, Div { a: half, b: y });
    }
}

impl Graph {
    /// √x, element by element (PyTorch's `torch.sqrt`). The result is NaN for x < 0, and the gradient at 0 is not
    /// finite.
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input(2)?;
    /// let y = graph.sqrt(x)?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[4.0, 9.0])?, [2.0, 3.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument), as in every operation, if the value belongs to another graph.
    pub fn sqrt(&mut self, x: Value) -> Result<Value> {
        self.add_operation(Sqrt { x })
    }
}
