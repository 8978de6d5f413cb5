//! The natural logarithm.

use super::{Backward, Differentiable, Div, Elementwise, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel;

/// ln x, element by element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Log {
    pub(crate) x: Value,
}

impl Operation for Log {
    operands!(x);

    fn name(&self) -> String {
        "Log".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Elementwise for Log {
    fn kernel(&self, _: &Graph) -> kernel::Op {
        kernel::Op::Log
    }
}

impl Differentiable for Log {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        backward.add(self.x, Div { a: dy, b: self.x });
    }
}

impl Graph {
    /// ln x, element by element (PyTorch's `torch.log`). The result is NaN for x < 0.
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input(2)?;
    /// let y = graph.log(x)?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, 1.0])?, [0.0, 0.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument), as in every operation, if the value belongs to another graph.
    pub fn log(&mut self, x: Value) -> Result<Value> {
        self.add_operation(Log { x })
    }
}
