//! Gradient check: gradients against finite differences of the loss, in `f64`.

use super::moved_loss::Check;
use super::{Inputs, Network};
use crate::data::Targets;
use crate::graph::{Graph, Op};
use crate::random::{Random, Stream};
use crate::{Error, Result};
use std::fmt;

/// Result of [`Network::gradient_check`]. Its [`Display`](fmt::Display) form is a table, followed by the entries of
/// `left_out`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradientCheck {
    /// One entry per parameter.
    pub parameters: Vec<ParameterCheck>,
    /// Limits of the comparison, in sentences: values held constant, parameters without a gradient, random numbers,
    /// labels.
    pub left_out: Vec<String>,
}

/// Comparison of one parameter's gradient with a finite difference of the loss.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ParameterCheck {
    /// Name of the parameter.
    pub name: String,
    /// Derivative along a random direction d of length 1, from backpropagation.
    pub analytic: f64,
    /// Derivative along d from the central difference (L(θ + hd) − L(θ − hd)) / 2h.
    pub numeric: f64,
    /// Whether the loss depends on the parameter in a way that has a gradient. If not, both derivatives are 0, and the
    /// comparison proves nothing.
    pub reached: bool,
    /// One-sided derivatives, if the two disagree at a kink of the loss (ReLU at 0): (L(θ) − L(θ − hd)) / h and (L(θ +
    /// hd) − L(θ)) / h. At a kink no single derivative exists.
    pub kink: Option<[f64; 2]>,
}

/// Step of the central difference: its error h²·L‴/6 and the rounding error 1e-16/h are both about 1e-10 then.
const STEP: f64 = 1e-5;

/// A second, smaller step, used if the first does not agree. It usually excludes a kink between θ and θ ± hd. Its
/// rounding error is about 1e-10 too.
const SMALLER_STEP: f64 = 1e-6;

impl ParameterCheck {
    /// Relative error: |analytic − numeric| divided by the larger magnitude of the two, or by 1e-4 if both are smaller.
    /// A difference is accurate to about 1e-10, so a gradient of 0 gives about 1e-6.
    pub fn relative_error(&self) -> f64 {
        (self.analytic - self.numeric).abs() / self.analytic.abs().max(self.numeric.abs()).max(1e-4)
    }
}

impl GradientCheck {
    /// Whether at least one gradient was compared and every relative error is below the tolerance. A correct gradient
    /// meets a tolerance of 1e-6. A difference across a kink counts like any other; [`ParameterCheck::kink`] identifies
    /// it.
    pub fn passes(&self, tolerance: f64) -> bool {
        self.parameters.iter().any(|p| p.reached)
            && self
                .parameters
                .iter()
                .all(|p| p.relative_error() < tolerance)
    }

    /// The parameter with the largest relative error; NaN is the worst.
    pub fn worst(&self) -> Option<&ParameterCheck> {
        let badness = |p: &ParameterCheck| {
            if p.relative_error().is_nan() {
                f64::INFINITY
            } else {
                p.relative_error()
            }
        };
        self.parameters
            .iter()
            .max_by(|a, b| badness(a).total_cmp(&badness(b)))
    }
}

impl fmt::Display for GradientCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [name, analytic, numeric, error] = ["parameter", "analytic", "numeric", "error"];
        writeln!(f, "{name:<28} {analytic:>14} {numeric:>14} {error:>9}")?;
        for p in &self.parameters {
            let (name, error) = (&p.name, p.relative_error());
            write!(
                f,
                "{name:<28} {:>14.6e} {:>14.6e} {error:>9.1e}",
                p.analytic, p.numeric
            )?;
            match p.kink {
                Some([below, above]) => {
                    writeln!(
                        f,
                        "  a kink: {below:.6e} on one side, {above:.6e} on the other"
                    )?;
                }
                None => writeln!(f)?,
            }
        }
        self.left_out
            .iter()
            .try_for_each(|what| writeln!(f, "left out: {what}"))
    }
}

impl Network {
    /// Compares, for every parameter, the gradient of the loss on a batch with a central difference along a random
    /// direction, in `f64` on the CPU path, for any device of the network. A correct gradient gives relative errors
    /// below about 1e-6. A wrong factor, sign or transpose gives errors near 1.
    ///
    /// Both sides use the same function: values that differentiation treats as constant are constant in the differences
    /// too. These are operands of [`stop_gradient`](crate::Graph::stop_gradient), probabilities of
    /// [`bernoulli`](crate::Graph::bernoulli), and values of the graph that are [targets](crate::LossTarget::Value).
    /// Dropout and other random numbers are drawn once. Batch normalisation uses the batch's statistics, as in
    /// training. [`GradientCheck::left_out`] lists the values held constant and those that cannot be compared.
    ///
    /// All parameters are checked, including those that a trainer's groups or phases freeze. wgrad computes no
    /// gradients of inputs and targets, so they are not checked.
    ///
    /// If a difference straddles a kink of a piecewise function (ReLU at 0), the check tries a smaller step. Exactly at
    /// a kink the two must disagree; [`ParameterCheck::kink`] then has the derivatives of both sides.
    ///
    /// # Errors
    /// Those of [`Network::gradients`].
    pub async fn gradient_check_async<'a>(
        &mut self,
        x: impl Into<Inputs<'a>>,
        targets: impl Into<Targets<'a>>,
        seed: u64,
    ) -> Result<GradientCheck> {
        let targets = targets.into();
        let (samples, supervision) = self.check_batch("gradient_check", x, targets)?;
        let held = self.graph.held(&self.terms, self.output);
        let mut check = Check::new(self, &held, &samples, targets, supervision).await?;
        let (loss, gradients) = check.differentiate(self.graph.parameters.len())?;
        if !loss.is_finite() {
            return Err(Error::NonFinite {
                step: Error::OUTSIDE_TRAINING,
                tensor: "the loss".into(),
            });
        }
        let mut random = Random::new(seed, Stream::GradientCheck);
        let mut parameters = Vec::new();
        for (number, gradient) in gradients.iter().enumerate() {
            let shape = self.graph.parameters[number].shape;
            let mut direction: Vec<f64> = (0..shape.rows * shape.cols)
                .map(|_| random.normal())
                .collect();
            for row in self.graph.padding_rows(number) {
                direction[row * shape.cols..][..shape.cols].fill(0.0);
            }
            let length = direction.iter().map(|d| d * d).sum::<f64>().sqrt();
            if length > 0.0 {
                direction.iter_mut().for_each(|d| *d /= length);
            }
            let reached = check.reaches(number);
            let mut slopes = |step| -> Result<[f64; 2]> {
                let above = check.loss_at(number, &direction, step)?;
                let below = check.loss_at(number, &direction, -step)?;
                Ok([(loss - below) / step, (above - loss) / step])
            };
            let wide = slopes(STEP)?;
            let mut compared = ParameterCheck {
                name: self.graph.parameters[number].name.clone(),
                analytic: gradient.iter().zip(&direction).map(|(g, d)| g * d).sum(),
                numeric: central(wide),
                reached,
                kink: None,
            };
            let agrees = compared.relative_error() < 1e-6;
            if !agrees {
                compared.refine(wide, slopes(SMALLER_STEP)?);
            }
            parameters.push(compared);
        }
        let mut left_out = held.notes;
        for compared in parameters.iter().filter(|p| !p.reached) {
            left_out.push(format!(
                "{}: the loss does not depend on it, or only through what is held constant, so its gradient is 0",
                compared.name
            ));
        }
        for (number, parameter) in self.graph.parameters.iter().enumerate() {
            for row in self.graph.padding_rows(number) {
                left_out.push(format!(
                    "{}: row {row} belongs to the token of padding, which gets no gradient",
                    parameter.name
                ));
            }
        }
        left_out.extend(self.graph.random_notes());
        for term in &self.terms {
            if term.loss.factor == 0.0 {
                left_out.push(format!("the loss {} has the factor 0", term.name));
            }
            if term.takes_labels(supervision) {
                left_out.push(format!(
                    "the labels of the loss {} are whole numbers, which have no gradient",
                    term.name
                ));
            }
        }
        Ok(GradientCheck {
            parameters,
            left_out,
        })
    }

    /// Blocking form of [`Network::gradient_check_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn gradient_check<'a>(
        &mut self,
        x: impl Into<Inputs<'a>>,
        targets: impl Into<Targets<'a>>,
        seed: u64,
    ) -> Result<GradientCheck> {
        pollster::block_on(self.gradient_check_async(x, targets, seed))
    }
}

/// The central difference, from the slopes on both sides.
fn central([below, above]: [f64; 2]) -> f64 {
    (below + above) / 2.0
}

impl ParameterCheck {
    /// Replaces the central difference by that of the smaller step if it is better, else looks for a kink, given the
    /// slopes on both sides for the two steps.
    fn refine(&mut self, wide: [f64; 2], narrow: [f64; 2]) {
        let first = self.numeric;
        let error = self.relative_error();
        self.numeric = central(narrow);
        if self.relative_error() < error / 2.0 {
            return;
        }
        self.numeric = first;
        // The slopes of a smooth loss differ by h·L″: ten times less at the smaller step. At a kink they differ as
        // much.
        let gap = |[below, above]: [f64; 2]| (above - below).abs();
        let size = narrow[0].abs().max(narrow[1].abs()).max(1e-4);
        if gap(narrow) > gap(wide) / 2.0 && gap(narrow) > 1e-5 * size {
            self.kink = Some(narrow);
        }
    }
}

impl Graph {
    /// The rows of a parameter that belong to tokens of padding.
    fn padding_rows(&self, number: usize) -> Vec<usize> {
        let mut rows = Vec::new();
        for node in &self.nodes {
            let Op::Embedding(embedding) = &node.op else {
                continue;
            };
            let is_own = matches!(self.op(embedding.w), Op::Parameter(p) if p.number == number);
            rows.extend(embedding.padding.filter(|_| is_own));
        }
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// Notes on random numbers in the graph, which the check holds constant.
    fn random_notes(&self) -> Option<String> {
        let random = |node: &&crate::graph::Node| match &node.op {
            Op::Dropout(_) | Op::Random(_) => true,
            Op::Attention(attention) => attention.dropped.is_some(),
            _ => false,
        };
        let count = self.nodes.iter().filter(random).count();
        (count > 0).then(|| {
            format!(
                "{count} dropouts and random values were drawn once, and were the same for all losses"
            )
        })
    }
}
