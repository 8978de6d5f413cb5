//! Loss and gradient of a batch in `f64` on the CPU path, at parameters that can be displaced.

use super::inputs::Samples;
use super::{Losses, Network};
use crate::Result;
use crate::data::Targets;
use crate::executor::{CpuExecutor, PlanId};
use crate::graph::{Held, Supervision};
use crate::kernel::MatrixShape;
use crate::kernel::base::binding::Scalar;
use crate::kernel::base::state::state_at;
use crate::plan::{
    Arena, BufferSpec, Clock, Guarded, Place, PlanSpec, Role, Task, class_weights, constant_places,
    lower,
};

/// The network's gradient plan in `f64`. Values that differentiation treats as constant are computed from copies of the
/// parameters: see [`Held`].
pub(super) struct Check {
    arena: Arena,
    executor: CpuExecutor<f64>,
    plan: PlanId,
    losses: Losses,
    /// The parameters that the loss depends on.
    reached: Vec<Guarded>,
}

impl Check {
    /// Compiles the plan for a batch, and copies the batch and the network's parameters.
    pub(super) async fn new(
        network: &mut Network,
        held: &Held,
        samples: &Samples<'_>,
        targets: Targets<'_>,
        supervision: Supervision,
    ) -> Result<Self> {
        let rows = samples.rows;
        let parameters = held.graph.parameters.iter();
        let arena = Arena::new(
            parameters.map(|p| (p.name.clone(), p.shape)),
            network.device.report().max_binding_bytes,
        )?;
        let plan = lower(&PlanSpec {
            graph: &held.graph,
            arena: &arena,
            output: held.output,
            terms: &held.terms,
            ..network.plan_spec(rows, Task::Differentiate, supervision)
        });
        let has = |role| plan.buffer(role).is_some();
        let mut executor = CpuExecutor::default();
        // All parameters are copied, including those that the loss does not depend on.
        for (segment, &len) in arena.segments.iter().enumerate() {
            let (role, scalar) = (Role::Parameters(segment), Scalar::Float);
            executor.reserve(BufferSpec { role, scalar, len })?;
        }
        let id = executor.add(&plan)?;
        // The losses may not need every array.
        for (number, array) in samples.arrays.iter().enumerate() {
            let (role, shape) = (
                Role::Input(number),
                MatrixShape::new(rows, array.len() / rows),
            );
            if has(role) {
                executor.write(role, 0, bytemuck::cast_slice(&shape.pad(array)))?;
            }
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
        // All constants are copied, including those that the plan does not read.
        let (places, len) = constant_places(&held.graph);
        if len > 0 {
            let (role, scalar) = (Role::Constants, Scalar::Float);
            executor.reserve(BufferSpec { role, scalar, len })?;
        }
        for (constant, place) in held.graph.constants.iter().zip(places) {
            let padded = constant.shape.pad(&constant.values[..]);
            executor.write(Role::Constants, place, bytemuck::cast_slice(&padded))?;
        }
        for (&number, place) in held.originals.iter().zip(&arena.places) {
            let values = network.read_arena(Role::Parameters, 0, number).await?;
            let padded = place.shape.pad(&values);
            executor.write(
                Role::Parameters(place.segment),
                place.offset,
                bytemuck::cast_slice(&padded),
            )?;
        }
        Ok(Check {
            arena,
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

    /// Whether the loss depends on a parameter in a way that has a gradient.
    pub(super) fn reaches(&self, number: usize) -> bool {
        self.reached.contains(&Guarded::Gradient(number))
    }

    /// The loss and the gradients of the first `parameters` parameters.
    pub(super) fn differentiate(&mut self, parameters: usize) -> Result<(f64, Vec<Vec<f64>>)> {
        let loss = self.loss()?;
        let gradient = |(number, place): (usize, &Place)| {
            // If the loss does not depend on the parameter, its gradient was not written.
            if !self.reached.contains(&Guarded::Gradient(number)) {
                return vec![0.0; place.shape.rows * place.shape.cols];
            }
            let floats = self.executor.floats(Role::Derivatives(place.segment));
            place
                .shape
                .unpad(&floats[place.offset..][..place.shape.floats()])
        };
        let places = self.arena.places[..parameters].iter().enumerate();
        Ok((loss, places.map(gradient).collect()))
    }

    /// Loss with one parameter displaced along a direction; the parameter is restored afterwards.
    pub(super) fn loss_at(&mut self, number: usize, direction: &[f64], step: f64) -> Result<f64> {
        let place = self.arena.places[number];
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
