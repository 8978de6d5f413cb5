//! Batch normalisation.

use super::{Backward, ColumnSum, Differentiable, Operation, operands};
use crate::graph::{Graph, Init, Running, Shape, Value};
use crate::kernel::base::ranges::check_share;
use crate::kernel::base::spread::SAVED_ROWS;
use crate::{Error, Result};

/// γ(x − mean)/√(variance + ε) + β over the batch, or over the running statistics in inference. Output 1: what the
/// backward pass needs, mean and 1/√(variance + ε) (see `kernel::spread::Spread::save`).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchNorm {
    pub(crate) x: Value,
    pub(crate) gamma: Value,
    pub(crate) beta: Value,
    /// Index into [`Graph::running`].
    pub(crate) number: usize,
    pub(crate) epsilon: f32,
    pub(crate) momentum: f32,
    /// Whether training too takes the running statistics.
    pub(crate) fixed: bool,
}

impl Operation for BatchNorm {
    operands!(x, gamma, beta);

    fn name(&self) -> String {
        format!("BatchNorm {} {}", self.epsilon, self.momentum)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    /// In prediction and evaluation the running statistics take the place of the batch's.
    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for BatchNorm {
    fn vjp(&self, y: Value, dy: Value, backward: &mut Backward<'_>) {
        let (x, gamma, epsilon, number) = (self.x, self.gamma, self.epsilon, self.number);
        if self.fixed {
            let gain = backward.push(FixedNormGain {
                dy,
                x,
                number,
                epsilon,
            });
            let dx = FixedNormBackward {
                dy,
                gamma,
                number,
                epsilon,
            };
            backward.add(x, dx);
            backward.add(gamma, ColumnSum { x: gain });
            return backward.add(self.beta, ColumnSum { x: dy });
        }
        // Output 1 follows its operation.
        let saved = backward.graph().value(y.0 + 1);
        let shape = backward.shape(gamma);
        let dx = backward.push(BatchNormBackward {
            dy,
            x,
            saved,
            gamma,
        });
        let [dgamma, dbeta] = [1, 2].map(|index| backward.output(dx, index, shape.clone()));
        backward.add_value(x, dx);
        backward.add_value(gamma, dgamma);
        backward.add_value(self.beta, dbeta);
    }
}

/// The gradient of x. Outputs 1 and 2: the gradients of γ and β.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchNormBackward {
    pub(crate) dy: Value,
    pub(crate) x: Value,
    pub(crate) saved: Value,
    pub(crate) gamma: Value,
}

impl Operation for BatchNormBackward {
    operands!(dy, x, saved, gamma);

    fn name(&self) -> String {
        "BatchNormBackward".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        true
    }
}

/// The gradient of x where training takes the running statistics.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FixedNormBackward {
    pub(crate) dy: Value,
    pub(crate) gamma: Value,
    /// Index into [`Graph::running`].
    pub(crate) number: usize,
    pub(crate) epsilon: f32,
}

impl Operation for FixedNormBackward {
    operands!(dy, gamma);

    fn name(&self) -> String {
        "FixedNormBackward".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.dy)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

/// The terms of the gradient of γ under running statistics: their column sum is that gradient.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FixedNormGain {
    pub(crate) dy: Value,
    pub(crate) x: Value,
    /// Index into [`Graph::running`].
    pub(crate) number: usize,
    pub(crate) epsilon: f32,
}

impl Operation for FixedNormGain {
    operands!(dy, x);

    fn name(&self) -> String {
        "FixedNormGain".to_string()
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Graph {
    /// Batch normalisation (Ioffe and Szegedy 2015) of each column, the last dimension (channels): y = γ(x −
    /// mean)/√(variance + ε) + β, with γ `layers.i.weight` from 1, β `layers.i.bias` from 0, and ε = 10⁻⁵. In training
    /// mean and variance (biased) are the batch's, and the running ones follow: r ← r + 0.1·(batch − r), the variance
    /// unbiased. In evaluation and prediction they are the running ones (PyTorch's `BatchNorm1d`; for images [batch,
    /// H, W, C], whose rows are pixels, `BatchNorm2d`). A batch of one row, which PyTorch refuses, gives y = β and
    /// leaves the running variance as it is. A step whose running statistics would not be finite is
    /// [`NonFinite`](Error::NonFinite), and changes nothing.
    ///
    /// The running mean is an `f32`. Once it has settled, it differs from the mean of what the batches stand for by its
    /// rounding, half a unit in the last place (2⁻²⁵ to 2⁻²⁴ of the mean), beside how the batches' means scatter. So in
    /// evaluation y is off by up to γ·2⁻²⁴·|mean|/√(variance + ε): 0.03 for values of 10⁶ ± 1. PyTorch's is off as
    /// much. Training subtracts the mean in more digits. Data with a large offset are best
    /// [standardised](crate::Dataset::standardized) first. A column that is constant in all batches settles at its
    /// value, and y is β exactly then.
    ///
    /// Where neither γ nor β is trained, because a [group](crate::ParameterGroup::frozen) freezes them or the step's
    /// [phase](crate::Phase) leaves them out, the running statistics stay as they are. (PyTorch's move all the same
    /// unless the layer is in `eval()`.)
    /// [`ParameterGroup::running_statistics`](crate::ParameterGroup::running_statistics) has a trainer normalise with
    /// them, as `eval()` does. [`Network::recompute_statistics`](crate::Network::recompute_statistics) computes them
    /// anew.
    ///
    /// It takes one dispatch forward and one backward, and between a dense layer and its activation one more forward,
    /// since the activation is no longer computed within the product. A training step takes one more for all running
    /// statistics.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if x is not a batch of samples.
    pub fn batch_norm(&mut self, x: Value) -> Result<Value> {
        self.batch_norm_with(x, 1e-5, 0.1)
    }

    /// [`Graph::batch_norm`] with another ε, and another momentum m: r ← r + m·(batch − r).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if x is not a batch of samples; [`Argument`](Error::Argument) if ε is not finite and
    /// above 0, or the momentum not from 0 to 1, or so small that 1 − m is 1 in `f32`.
    pub fn batch_norm_with(&mut self, x: Value, epsilon: f32, momentum: f32) -> Result<Value> {
        check_epsilon(epsilon)?;
        check_share("the momentum of a batch normalisation", momentum)?;
        let shape = self.known(x)?;
        if !shape.is_batch() {
            return Err(Error::shape("batch_norm", "a batch of samples", shape));
        }
        let layer = self.layers;
        let [gamma, beta] = self.gain_and_bias(shape.cols())?;
        let number = self.running.len();
        self.running.push(Running {
            name: format!("layers.{layer}"),
            cols: shape.cols(),
            rows_per_sample: shape.rows_per_sample(),
        });
        let y = self.add_operation(BatchNorm {
            x,
            gamma,
            beta,
            number,
            epsilon,
            momentum,
            fixed: false,
        })?;
        let saved = Shape::matrix(SAVED_ROWS, shape.cols());
        self.output(y, 1, saved);
        Ok(y)
    }

    /// Has some of the batch normalisations, by number, take the running statistics in training too.
    pub(crate) fn fix_statistics(&mut self, which: &[bool]) {
        for node in &mut self.nodes {
            if let super::Op::BatchNorm(norm) = &mut node.op {
                norm.fixed = which[norm.number];
            }
        }
    }

    /// The parameters γ, from 1, and β, from 0, of a normalisation.
    pub(super) fn gain_and_bias(&mut self, cols: usize) -> Result<[Value; 2]> {
        let layer = self.layers;
        self.layers += 1;
        Ok([
            self.vector(&format!("layers.{layer}.weight"), cols, Init::Constant(1.0))?,
            self.vector(&format!("layers.{layer}.bias"), cols, Init::Zeros)?,
        ])
    }
}

/// Refuses an ε that could divide by 0.
pub(super) fn check_epsilon(epsilon: f32) -> Result<()> {
    if epsilon > 0.0 && epsilon.is_finite() {
        Ok(())
    } else {
        Err(Error::argument(
            "the ε of a normalisation",
            "above 0 and finite",
            epsilon,
        ))
    }
}
