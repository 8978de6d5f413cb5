//! Root mean square normalisation.

use super::batch_norm::check_epsilon;
use super::{Backward, ColumnSum, Differentiable, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Init, Shape, Value};

/// γ·x/√(mean(x²) + ε) over the columns of each row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RmsNorm {
    pub(crate) x: Value,
    pub(crate) gamma: Value,
    pub(crate) epsilon: f32,
}

impl Operation for RmsNorm {
    operands!(x, gamma);

    fn name(&self) -> String {
        format!("RmsNorm {}", self.epsilon)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for RmsNorm {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let shape = backward.shape(self.x);
        let dx = backward.push(RmsNormBackward {
            dy,
            x: self.x,
            gamma: self.gamma,
            epsilon: self.epsilon,
        });
        let term = backward.output(dx, 1, shape);
        backward.add_value(self.x, dx);
        backward.add(self.gamma, ColumnSum { x: term });
    }
}

/// The gradient of x. Output 1, with the shape of x, holds the terms whose column sum is the gradient of γ.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RmsNormBackward {
    pub(crate) dy: Value,
    pub(crate) x: Value,
    pub(crate) gamma: Value,
    pub(crate) epsilon: f32,
}

impl Operation for RmsNormBackward {
    operands!(dy, x, gamma);

    fn name(&self) -> String {
        "RmsNormBackward".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Graph {
    /// Root mean square normalisation (Zhang and Sennrich 2019) of each row over its columns, the last dimension: y =
    /// γ·x/√(mean(x²) + ε) (PyTorch's `RMSNorm`). The parameter is γ, `layers.i.weight`, initially 1; ε is 2⁻²³, as in
    /// PyTorch for `f32`.
    ///
    /// The layer takes one dispatch forward and two backward.
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument), as in every operation, if the value belongs to another graph.
    pub fn rms_norm(&mut self, x: Value) -> Result<Value> {
        self.rms_norm_with(x, f32::EPSILON)
    }

    /// [`Graph::rms_norm`] with another ε.
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument) if ε is not finite or not above 0, or the value belongs to another graph.
    pub fn rms_norm_with(&mut self, x: Value, epsilon: f32) -> Result<Value> {
        check_epsilon(epsilon)?;
        let cols = self.known(x)?.cols();
        let name = format!("layers.{}.weight", self.layers);
        self.layers += 1;
        let gamma = self.vector(&name, cols, Init::Constant(1.0))?;
        self.add_operation(RmsNorm { x, gamma, epsilon })
    }
}
