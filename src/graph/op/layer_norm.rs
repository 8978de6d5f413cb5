//! Layer normalisation.

use super::batch_norm::check_epsilon;
use super::{Backward, ColumnSum, Differentiable, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};

/// γ(x − mean)/√(variance + ε) + β over the columns of each row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LayerNorm {
    pub(crate) x: Value,
    pub(crate) gamma: Value,
    pub(crate) beta: Value,
    pub(crate) epsilon: f32,
}

impl Operation for LayerNorm {
    operands!(x, gamma, beta);

    fn name(&self) -> String {
        format!("LayerNorm {}", self.epsilon)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for LayerNorm {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let shape = backward.shape(self.x);
        let dx = backward.push(LayerNormBackward {
            dy,
            x: self.x,
            gamma: self.gamma,
            epsilon: self.epsilon,
        });
        let term = backward.output(dx, 1, shape);
        backward.add_value(self.x, dx);
        backward.add(self.gamma, ColumnSum { x: term });
        backward.add(self.beta, ColumnSum { x: dy });
    }
}

/// The gradient of x. Output 1, with the shape of x, holds the terms whose column sum is the gradient of γ.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LayerNormBackward {
    pub(crate) dy: Value,
    pub(crate) x: Value,
    pub(crate) gamma: Value,
    pub(crate) epsilon: f32,
}

impl Operation for LayerNormBackward {
    operands!(dy, x, gamma);

    fn name(&self) -> String {
        "LayerNormBackward".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Graph {
    /// Layer normalisation (Ba et al. 2016) of each row over its columns, the last dimension: y = γ(x −
    /// mean)/√(variance + ε) + β (PyTorch's `LayerNorm`). The parameters are γ, `layers.i.weight`, initially 1, and β,
    /// `layers.i.bias`, initially 0; ε is 10⁻⁵.
    ///
    /// The layer takes one dispatch forward and three backward. Between a dense layer and its activation it takes one
    /// more forward, like [`Graph::batch_norm`].
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument), as in every operation, if the value belongs to another graph.
    pub fn layer_norm(&mut self, x: Value) -> Result<Value> {
        self.layer_norm_with(x, 1e-5)
    }

    /// [`Graph::layer_norm`] with another ε.
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument) if ε is not finite or not above 0, or the value belongs to another graph.
    pub fn layer_norm_with(&mut self, x: Value, epsilon: f32) -> Result<Value> {
        check_epsilon(epsilon)?;
        let cols = self.known(x)?.cols();
        let [gamma, beta] = self.gain_and_bias(cols)?;
        self.add_operation(LayerNorm {
            x,
            gamma,
            beta,
            epsilon,
        })
    }
}
