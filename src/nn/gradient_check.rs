//! Checks a network's gradient against differences of its loss, in `f64`.

use super::moved_loss::Check;
use super::{Inputs, Network};
use crate::data::Targets;
use crate::graph::{Graph, Op};
use crate::random::{Random, Stream};
use crate::{Error, Result};
use std::fmt;

/// What [`Network::gradient_check`] found. Its [`Display`](fmt::Display) form is a table, with what was left out below.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradientCheck {
    /// One entry a parameter.
    pub parameters: Vec<ParameterCheck>,
    /// What the comparison does not cover, in sentences: values that were held constant, parameters without a gradient,
    /// random numbers, labels.
    pub left_out: Vec<String>,
}

/// How well one parameter's gradient agrees with differences of the loss.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ParameterCheck {
    /// The parameter's name.
    pub name: String,
    /// The derivative along a random direction of length 1, from backpropagation.
    pub analytic: f64,
    /// The same from the central difference (L(θ + hd) − L(θ − hd)) / 2h.
    pub numeric: f64,
    /// Whether the loss depends on the parameter in a way that has a gradient. If not, both derivatives are 0, and the
    /// comparison proves nothing.
    pub reached: bool,
    /// Where the two disagree at a kink of the loss (ReLU at 0): the derivatives along −d and along d,
    /// (L(θ) − L(θ − hd)) / h and (L(θ + hd) − L(θ)) / h. There is no single derivative to compare with then.
    pub kink: Option<[f64; 2]>,
}

/// Step of the central difference: its error h²·L‴/6 and the rounding error 1e-16/h are both about 1e-10 then.
const STEP: f64 = 1e-5;

/// A second, smaller step, where the first does not agree: a kink between θ and θ ± hd is most often not within it. Its
/// rounding error is about 1e-10 too.
const SMALLER_STEP: f64 = 1e-6;

impl ParameterCheck {
    /// |analytic − numeric| relative to the larger of the two, or to 1e-4 where both are smaller: a difference is no better than
    /// about 1e-10, so a gradient of 0 gives about 1e-6.
    pub fn relative_error(&self) -> f64 {
        (self.analytic - self.numeric).abs() / self.analytic.abs().max(self.numeric.abs()).max(1e-4)
    }
}

impl GradientCheck {
    /// Whether some gradient was compared, and every relative error is below the tolerance; 1e-6 is one that a right
    /// gradient meets. A difference across a kink counts like any other; [`ParameterCheck::kink`] tells it apart.
    pub fn passes(&self, tolerance: f64) -> bool {
        self.parameters.iter().any(|p| p.reached)
            && self
                .parameters
                .iter()
                .all(|p| p.relative_error() < tolerance)
    }

    /// The parameter whose gradient agrees least; NaN counts as the worst.
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
    /// direction, in `f64` on the CPU path, whatever the network's device. A right gradient gives relative errors below
    /// about 1e-6; one wrong by a factor, a sign or a transpose gives errors near 1.
    ///
    /// Both sides are of the same function: what differentiation takes for constant is held constant in the
    /// differences too. These are operands of [`stop_gradient`](crate::Graph::stop_gradient), probabilities of
    /// [`bernoulli`](crate::Graph::bernoulli), and values of the graph that are [targets](crate::LossTarget::Value).
    /// Dropout and other random numbers are drawn once. Batch normalisation uses the batch's statistics, as in
    /// training. [`GradientCheck::left_out`] tells what was held, and what cannot be compared.
    ///
    /// All parameters are checked, also those that a trainer's groups or phases freeze. Gradients of the input and of
    /// targets are not computed anywhere, so they are not checked.
    ///
    /// Where a difference straddles a kink of a piecewise function (ReLU at 0), a smaller step is tried. Exactly at a
    /// kink the two honestly disagree: [`ParameterCheck::kink`] then has the derivatives of both sides.
    ///
    /// # Errors
    /// As [`Network::gradients`].
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
            let direction: Vec<f64> = (0..shape.rows * shape.cols)
                .map(|_| random.normal())
                .collect();
            let length = direction.iter().map(|d| d * d).sum::<f64>().sqrt();
            let direction: Vec<f64> = direction.iter().map(|d| d / length).collect();
            let mut compared = ParameterCheck {
                name: self.graph.parameters[number].name.clone(),
                analytic: gradient.iter().zip(&direction).map(|(g, d)| g * d).sum(),
                numeric: f64::NAN,
                reached: check.reaches(number),
                kink: None,
            };
            let mut slopes = |step| -> Result<[f64; 2]> {
                let above = check.loss_at(number, &direction, step)?;
                let below = check.loss_at(number, &direction, -step)?;
                Ok([(loss - below) / step, (above - loss) / step])
            };
            compared.differ_by(&mut slopes)?;
            parameters.push(compared);
        }
        let mut left_out = held.notes;
        for compared in parameters.iter().filter(|p| !p.reached) {
            left_out.push(format!(
                "{}: the loss does not depend on it, or only through what is held constant, so its gradient is 0",
                compared.name
            ));
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

    /// [`Network::gradient_check_async`], waited for.
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

impl ParameterCheck {
    /// Fills in the central difference and whether there is a kink, from the slopes on both sides by step.
    fn differ_by(&mut self, slopes: &mut impl FnMut(f64) -> Result<[f64; 2]>) -> Result<()> {
        let central = |[below, above]: [f64; 2]| (below + above) / 2.0;
        let wide = slopes(STEP)?;
        self.numeric = central(wide);
        if self.relative_error() < 1e-6 {
            return Ok(());
        }
        let narrow = slopes(SMALLER_STEP)?;
        let first = self.numeric;
        let error = self.relative_error();
        self.numeric = central(narrow);
        if self.relative_error() < error / 2.0 {
            return Ok(());
        }
        self.numeric = first;
        // The slopes of a smooth loss differ by h·L″: ten times less at the smaller step. At a kink they differ as
        // much.
        let gap = |[below, above]: [f64; 2]| (above - below).abs();
        let size = narrow[0].abs().max(narrow[1].abs()).max(1e-4);
        if gap(narrow) > gap(wide) / 2.0 && gap(narrow) > 1e-5 * size {
            self.kink = Some(narrow);
        }
        Ok(())
    }
}

impl Graph {
    /// What the check of a graph with random numbers does not cover.
    fn random_notes(&self) -> Option<String> {
        let random = |node: &&crate::graph::Node| matches!(node.op, Op::Dropout(_) | Op::Random(_));
        let count = self.nodes.iter().filter(random).count();
        (count > 0).then(|| {
            format!(
                "{count} dropouts and random values were drawn once, and were the same for all losses"
            )
        })
    }
}
