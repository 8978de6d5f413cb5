//! Checks a network's gradient against differences of its loss, in `f64`.

use super::{Losses, Network};
use crate::data::Targets;
use crate::executor::CpuExecutor;
use crate::graph::Supervision;
use crate::kernel::MatrixShape;
use crate::kernel::program::Element;
use crate::kernel::update::state_at;
use crate::plan::{BufferSpec, Clock, Role, Task, class_weights, lower};
use crate::random::{Random, Stream};
use crate::{Error, Result};

/// What [`Network::gradient_check`] found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradientCheck {
    /// One entry a parameter.
    pub parameters: Vec<ParameterCheck>,
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
}

/// Step of the central difference: its error h²·L‴/6 and the rounding error 1e-16/h are both about 1e-10 then.
const STEP: f64 = 1e-5;

impl ParameterCheck {
    /// |analytic − numeric| relative to the larger of the two, or to 1e-4 where both are smaller: a difference is no better than
    /// about 1e-10, so a gradient of 0 gives about 1e-6.
    pub fn relative_error(&self) -> f64 {
        (self.analytic - self.numeric).abs() / self.analytic.abs().max(self.numeric.abs()).max(1e-4)
    }
}

impl GradientCheck {
    /// Whether every relative error is below the tolerance; 1e-6 is one that a right gradient meets.
    pub fn passes(&self, tolerance: f64) -> bool {
        self.parameters
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

impl Network {
    /// Compares, for every parameter, the gradient of the loss on a batch with a central difference along a random
    /// direction, in `f64` on the CPU path, whatever the network's device. A right gradient gives relative errors below
    /// about 1e-6; one wrong by a factor, a sign or a transpose gives errors near 1. Near a kink of a
    /// piecewise activation (ReLU at 0) a difference may honestly disagree.
    ///
    /// # Errors
    /// As [`Network::gradients`].
    pub async fn gradient_check_async<'a>(
        &mut self,
        x: &[f32],
        targets: impl Into<Targets<'a>>,
        seed: u64,
    ) -> Result<GradientCheck> {
        let targets = targets.into();
        let (rows, supervision) = self.check_batch("gradient_check", x, targets)?;
        let mut check = Check::new(self, x, targets, rows, supervision).await?;
        let (loss, gradients) = check.differentiate(self)?;
        if !loss.is_finite() {
            return Err(Error::NonFinite {
                step: 0,
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
            let above = check.loss_at(self, number, &direction, STEP)?;
            let below = check.loss_at(self, number, &direction, -STEP)?;
            parameters.push(ParameterCheck {
                name: self.graph.parameters[number].name.clone(),
                analytic: gradient.iter().zip(&direction).map(|(g, d)| g * d).sum(),
                numeric: (above - below) / (2.0 * STEP),
            });
        }
        Ok(GradientCheck { parameters })
    }

    /// [`Network::gradient_check_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn gradient_check<'a>(
        &mut self,
        x: &[f32],
        targets: impl Into<Targets<'a>>,
        seed: u64,
    ) -> Result<GradientCheck> {
        pollster::block_on(self.gradient_check_async(x, targets, seed))
    }
}

/// The network's gradient plan on the CPU in `f64`.
struct Check {
    executor: CpuExecutor<f64>,
    plan: crate::executor::PlanId,
    losses: Losses,
    /// The parameters that the loss depends on.
    reached: Vec<usize>,
}

impl Check {
    async fn new(
        network: &mut Network,
        x: &[f32],
        targets: Targets<'_>,
        rows: usize,
        supervision: Supervision,
    ) -> Result<Self> {
        let plan = lower(&network.request(rows, Task::Differentiate, supervision));
        let has = |role| plan.buffer(role).is_some();
        let mut executor = CpuExecutor::default();
        // Every parameter is written, also those that the loss does not depend on.
        for (segment, &len) in network.arena.segments.iter().enumerate() {
            let (role, element) = (Role::Parameters(segment), Element::Float);
            executor.reserve(BufferSpec { role, element, len })?;
        }
        let id = executor.add(&plan)?;
        let shape = MatrixShape::new(rows, network.inputs());
        // The losses may not need all that came.
        if has(Role::Input) {
            executor.write(Role::Input, 0, bytemuck::cast_slice(&shape.pad(x)))?;
        }
        if let (true, Some(labels)) = (has(Role::Labels), targets.labels) {
            executor.write(Role::Labels, 0, labels)?;
        }
        if let (true, Some(values)) = (has(Role::Targets), targets.values) {
            let padded = MatrixShape::new(rows, values.len() / rows).pad(values);
            executor.write(Role::Targets, 0, bytemuck::cast_slice(&padded))?;
        }
        if has(Role::ClassWeights) {
            let (weights, _) = class_weights(&network.terms);
            executor.write(Role::ClassWeights, 0, bytemuck::cast_slice(&weights))?;
        }
        for number in 0..network.graph.parameters.len() {
            let values = network.read_arena(Role::Parameters, 0, number).await?;
            let place = network.arena.places[number];
            let padded = place.shape.pad(&values);
            executor.write(
                Role::Parameters(place.segment),
                place.offset,
                bytemuck::cast_slice(&padded),
            )?;
        }
        Ok(Check {
            executor,
            plan: id,
            losses: Losses::new(network, rows),
            reached: plan.guards,
        })
    }

    /// The loss.
    fn loss(&mut self) -> Result<f64> {
        self.executor
            .write(Role::State(Clock::Evaluation), 0, &state_at(0))?;
        self.executor.run(&[self.plan])?;
        let metrics = self.executor.floats(Role::Metrics(Clock::Evaluation));
        self.losses.clear();
        self.losses.add(metrics, |_| true);
        Ok(self.losses.loss())
    }

    /// The loss and the gradient of every parameter.
    fn differentiate(&mut self, network: &Network) -> Result<(f64, Vec<Vec<f64>>)> {
        let loss = self.loss()?;
        let gradient = |(number, place): (usize, &crate::plan::Place)| {
            // The loss may not depend on it; then nothing was written.
            if !self.reached.contains(&number) {
                return vec![0.0; place.shape.rows * place.shape.cols];
            }
            let floats = self.executor.floats(Role::Derivatives(place.segment));
            place
                .shape
                .unpad(&floats[place.offset..][..place.shape.floats()])
        };
        Ok((
            loss,
            network
                .arena
                .places
                .iter()
                .enumerate()
                .map(gradient)
                .collect(),
        ))
    }

    /// The loss with one parameter moved along a direction, and moved back after.
    fn loss_at(
        &mut self,
        network: &Network,
        number: usize,
        direction: &[f64],
        step: f64,
    ) -> Result<f64> {
        let place = network.arena.places[number];
        let padded = place.shape.pad(direction);
        let mut original = Vec::new();
        let floats = &mut self.executor.floats(Role::Parameters(place.segment))[place.offset..];
        for (float, d) in floats.iter_mut().zip(&padded) {
            original.push(*float);
            *float += step * d;
        }
        let loss = self.loss();
        let floats = &mut self.executor.floats(Role::Parameters(place.segment))[place.offset..];
        floats[..original.len()].copy_from_slice(&original);
        loss
    }
}
