//! The exponential.

use super::{Backward, Differentiable, Elementwise, Mul, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel;

/// eˣ, element by element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exp {
    pub(crate) x: Value,
}

impl Operation for Exp {
    operands!(x);

    fn name(&self) -> String {
        "Exp".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Elementwise for Exp {
    fn kernel(&self, _: &Graph) -> kernel::Op {
        kernel::Op::Exp
    }
}

impl Differentiable for Exp {
    fn vjp(&self, y: Value, dy: Value, backward: &mut Backward<'_>) {
        backward.add(self.x, Mul { a: dy, b: y });
    }
}

impl Graph {
    /// eˣ, element by element (PyTorch's `torch.exp`).
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input(2)?;
    /// let y = graph.exp(x)?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// let y = network.predict(&[0.0, 1.0])?;
    /// assert_eq!(y[0], 1.0);
    /// approx::assert_relative_eq!(y[1], std::f32::consts::E, max_relative = 1e-6);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument), as in every operation, if the value belongs to another graph.
    pub fn exp(&mut self, x: Value) -> Result<Value> {
        self.add_operation(Exp { x })
    }
}
