//! The transpose of a matrix.

use super::{Backward, Differentiable, Operation, operands};
use crate::graph::{Graph, Shape, Value};
use crate::{Error, Result};

/// xᵀ.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Transpose {
    pub(crate) x: Value,
}

impl Operation for Transpose {
    operands!(x);

    fn name(&self) -> String {
        "Transpose".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.x)?;
        match shape.lengths()[..] {
            [rows, cols] if !shape.is_batch() => Ok(Shape::matrix(cols, rows)),
            _ => Err(Error::shape(
                "transpose",
                "a matrix without a batch (products take a batch transposed: `Layout::TN`)",
                shape,
            )),
        }
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Transpose {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        backward.add(self.x, Transpose { x: dy });
    }
}

impl Graph {
    /// The transpose of a matrix without a batch dimension: a parameter, or a value computed from parameters (PyTorch's
    /// `torch.t`).
    ///
    /// ```
    /// use wgrad::{Device, Graph, Init, Layout};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input(2)?;
    /// let w = graph.parameter("w", [3, 2], Init::Constant(1.0))?;
    /// let transposed = graph.transpose(w)?;
    /// let y = graph.matmul(x, transposed, Layout::NN)?; // what `Layout::NT` does with w itself
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, 2.0])?, [3.0, 3.0, 3.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if x is a batch, or does not have two dimensions.
    pub fn transpose(&mut self, x: Value) -> Result<Value> {
        self.add_operation(Transpose { x })
    }
}
