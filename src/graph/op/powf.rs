//! The power with a constant exponent.

use super::{Backward, Differentiable, Elementwise, Fill, Mul, Operation, Scale, operands};
use crate::graph::{Graph, Shape, Value};
use crate::kernel;
use crate::{Error, Result};

/// x to a power that is not 0, element by element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Powf {
    pub(crate) x: Value,
    pub(crate) exponent: f32,
}

impl Operation for Powf {
    operands!(x);

    fn name(&self) -> String {
        format!("Powf {}", self.exponent)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        if !self.exponent.is_finite() {
            return Err(Error::argument("an exponent", "finite", self.exponent));
        }
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Elementwise for Powf {
    fn kernel(&self, _: &Graph) -> kernel::Op {
        kernel::Op::Powf(self.exponent)
    }
}

impl Differentiable for Powf {
    /// p · xᵖ⁻¹ ⊙ dy.
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let Powf { x, exponent } = *self;
        if exponent == 1.0 {
            backward.add_value(x, dy);
            return;
        }
        let exponent = exponent - 1.0;
        let power = match exponent {
            1.0 => x,
            _ => backward.push(Powf { x, exponent }),
        };
        let product = backward.push(Mul { a: dy, b: power });
        let factor = self.exponent;
        backward.add(x, Scale { a: product, factor });
    }
}

impl Graph {
    /// x to the power of a constant, element by element (PyTorch's `torch.pow`). As in PyTorch, x⁰ is 1 for every x,
    /// and the power of a negative number is NaN unless the exponent is an integer.
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input(2)?;
    /// let y = graph.powf(x, 3.0)?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[2.0, -1.0])?, [8.0, -1.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the exponent is not finite.
    pub fn powf(&mut self, x: Value, exponent: f32) -> Result<Value> {
        if exponent == 0.0 {
            let (value, shape) = (1.0, self.known(x)?);
            return self.add_operation(Fill { value, shape });
        }
        self.add_operation(Powf { x, exponent })
    }
}
