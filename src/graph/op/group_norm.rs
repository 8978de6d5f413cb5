//! Group normalisation.

use super::batch_norm::check_epsilon;
use super::{Backward, ColumnSum, Differentiable, Operation, operands};
use crate::graph::{Graph, Shape, Value};
use crate::{Error, Result};

/// γ(x − mean)/√(variance + ε) + β over each group of channels and all pixels of a sample.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupNorm {
    pub(crate) x: Value,
    pub(crate) gamma: Value,
    pub(crate) beta: Value,
    /// Number of groups, which divides the channels.
    pub(crate) groups: usize,
    pub(crate) epsilon: f32,
}

impl Operation for GroupNorm {
    operands!(x, gamma, beta);

    fn name(&self) -> String {
        format!("GroupNorm {} {}", self.groups, self.epsilon)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for GroupNorm {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let shape = backward.shape(self.x);
        let dx = backward.push(GroupNormBackward {
            dy,
            x: self.x,
            gamma: self.gamma,
            groups: self.groups,
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
pub(crate) struct GroupNormBackward {
    pub(crate) dy: Value,
    pub(crate) x: Value,
    pub(crate) gamma: Value,
    pub(crate) groups: usize,
    pub(crate) epsilon: f32,
}

impl Operation for GroupNormBackward {
    operands!(dy, x, gamma);

    fn name(&self) -> String {
        format!("GroupNormBackward {}", self.groups)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Graph {
    /// Group normalisation (Wu and He 2018): in every sample, each of `groups` groups of adjacent channels is
    /// normalised over its channels and all pixels or time steps, y = γ(x − mean)/√(variance + ε) + β with γ and β per
    /// channel (PyTorch's `GroupNorm`). With as many groups as channels it is instance normalisation. The parameters
    /// are γ, `layers.i.weight`, initially 1, and β, `layers.i.bias`, initially 0; ε is 10⁻⁵.
    ///
    /// x is a batch whose last dimension are the channels: images [batch, H, W, C], sequences [batch, T, D], or
    /// features [batch, F]. The layer takes one dispatch forward and three backward.
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let image = graph.input([1, 2, 2])?; // two pixels of two channels
    /// let y = graph.group_norm_with(image, 2, 1e-12)?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, 20.0, 3.0, 10.0])?, [-1.0, 1.0, 1.0, -1.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the groups do not divide the channels, or x is no batch;
    /// [`Argument`](Error::Argument) if the value belongs to another graph.
    pub fn group_norm(&mut self, x: Value, groups: usize) -> Result<Value> {
        self.group_norm_with(x, groups, 1e-5)
    }

    /// [`Graph::group_norm`] with another ε.
    ///
    /// # Errors
    /// Those of [`Graph::group_norm`]; [`Argument`](Error::Argument) if ε is not finite or not above 0.
    pub fn group_norm_with(&mut self, x: Value, groups: usize, epsilon: f32) -> Result<Value> {
        check_epsilon(epsilon)?;
        let shape = self.known(x)?;
        if !shape.is_batch() || shape.col_dims().len() != 1 {
            let expected = "a batch whose last dimension are the channels";
            return Err(Error::shape("group_norm", expected, shape));
        }
        let channels = shape.cols();
        check_groups("group_norm", channels, groups)?;
        let [gamma, beta] = self.gain_and_bias(channels)?;
        self.add_operation(GroupNorm {
            x,
            gamma,
            beta,
            groups,
            epsilon,
        })
    }
}

/// Refuses groups that do not divide the channels.
fn check_groups(operation: &'static str, channels: usize, groups: usize) -> Result<()> {
    if groups > 0 && channels.is_multiple_of(groups) {
        return Ok(());
    }
    let expected = format!("a number of groups that divides the {channels} channels");
    Err(Error::shape(operation, expected, groups))
}
