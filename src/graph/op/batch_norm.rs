//! Batch normalisation.

use super::{Backward, ColumnSum, Differentiable, Operation, operands};
use crate::graph::{Graph, Init, Running, Shape, Value};
use crate::kernel::base::ranges::check_share;
use crate::kernel::base::spread::SAVED_ROWS;
use crate::{Error, Result};

/// γ(x − mean)/√(variance + ε) + β over the batch, or over the running statistics in inference. Output 1 is for the
/// backward pass: mean and 1/√(variance + ε) (see `kernel::spread::Spread::save`).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchNorm {
    pub(crate) x: Value,
    pub(crate) gamma: Value,
    pub(crate) beta: Value,
    /// Index into [`Graph::running`].
    pub(crate) number: usize,
    pub(crate) epsilon: f32,
    pub(crate) momentum: f32,
    /// Whether training also uses the running statistics.
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

    /// Prediction and evaluation use the running statistics instead of the batch's.
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

/// The gradient of x if training uses the running statistics.
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

/// The terms of the gradient of γ with running statistics; their column sum is the gradient.
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
    /// Batch normalisation (Ioffe and Szegedy 2015) of each column, that is, each channel in the last dimension: y =
    /// γ(x − mean)/√(variance + ε) + β. The parameters are γ, `layers.i.weight`, initially 1, and β, `layers.i.bias`,
    /// initially 0; ε is 10⁻⁵. Training uses the batch's mean and biased variance, and updates the running statistics:
    /// r ← r + 0.1·(batch − r), with the unbiased variance. Evaluation and prediction use the running statistics. The
    /// layer corresponds to PyTorch's `BatchNorm1d`, and for images [batch, H, W, C], whose rows are pixels, to
    /// `BatchNorm2d`. A batch of one row, which PyTorch refuses, gives y = β and leaves the running variance unchanged.
    /// A step whose running statistics would not be finite is [`NonFinite`](Error::NonFinite) and changes nothing.
    ///
    /// The running mean is an `f32`. After convergence it differs from the population mean by its rounding, half a unit
    /// in the last place (2⁻²⁵ to 2⁻²⁴ of the mean), in addition to the scatter of the batch means. So in evaluation y
    /// may be off by up to γ·2⁻²⁴·|mean|/√(variance + ε): 0.03 for values of 10⁶ ± 1. PyTorch has the same error.
    /// Training subtracts the mean with higher precision. [Standardise](crate::Dataset::standardized) data with a large
    /// offset first. For a column that is constant in all batches, the running mean converges to its value, and y is
    /// then exactly β.
    ///
    /// If neither γ nor β is trained, because a [group](crate::ParameterGroup::frozen) freezes them or the step's
    /// [phase](crate::Phase) leaves them out, the running statistics stay unchanged. (In PyTorch they change unless the
    /// layer is in `eval()`.) [`ParameterGroup::running_statistics`](crate::ParameterGroup::running_statistics) makes a
    /// trainer normalise with the running statistics, like `eval()`.
    /// [`Network::recompute_statistics`](crate::Network::recompute_statistics) recomputes them.
    ///
    /// The layer takes one dispatch forward and one backward. Between a dense layer and its activation it takes one
    /// more forward, since the activation is then no longer fused into the product. A training step takes one more
    /// dispatch for all running statistics.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if x is not a batch of samples.
    pub fn batch_norm(&mut self, x: Value) -> Result<Value> {
        self.batch_norm_with(x, 1e-5, 0.1)
    }

    /// [`Graph::batch_norm`] with another ε, and another momentum m: r ← r + m·(batch − r).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if x is not a batch of samples; [`Argument`](Error::Argument) if ε is not finite or not
    /// above 0, or if the momentum is not from 0 to 1, or above 0 but so small that 1 − m is 1 in `f32`.
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

    /// Makes the batch normalisations marked in `which`, by number, use the running statistics in training too.
    pub(crate) fn fix_statistics(&mut self, which: &[bool]) {
        for node in &mut self.nodes {
            if let super::Op::BatchNorm(norm) = &mut node.op {
                norm.fixed = which[norm.number];
            }
        }
    }

    /// Adds the parameters γ, initially 1, and β, initially 0, of a normalisation.
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
pub(in crate::graph) fn check_epsilon(epsilon: f32) -> Result<()> {
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
