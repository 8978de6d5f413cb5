//! Inspected steps: statistics of activations, gradients, updates and weights.

use super::Trainer;
use super::totals::Totals;
use super::{ActivationInspection, EpochReport, Inspection, ParameterInspection, StepReport};
use crate::data::{Dataset, Targets};
use crate::kernel::TensorStatistics;
use crate::plan::{Inspected, Role, What, inspected};
use crate::time::Instant;
use crate::{Error, Inputs, Result};

/// An epoch, or the rest of one, that several calls run.
pub(super) struct PartialEpoch {
    start: Instant,
    epoch: u32,
    totals: Totals,
}

impl Trainer {
    /// Runs one step on a batch of your own and returns statistics of its tensors. It trains with the same bits as
    /// [`Trainer::step`] and takes a few more dispatches per tensor.
    ///
    /// ```
    /// use wgrad::{Device, Sequential, Trainer};
    /// # fn main() -> wgrad::Result<()> {
    /// let network = Sequential::new(2).dense(3).sigmoid().dense(2).build(&Device::cpu(), 1)?;
    /// let mut trainer = Trainer::builder(network).build()?;
    /// let (report, inspection) = trainer.inspect_step(&[0.5, -0.5], &[1u32])?;
    /// assert_eq!(inspection.parameters[0].name, "layers.0.weight");
    /// assert!(report.loss > 0.0 && inspection.activations[0].values.max_abs < 1.0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Trainer::step_async`].
    pub async fn inspect_step_async<'a>(
        &mut self,
        x: impl Into<Inputs<'a>>,
        targets: impl Into<Targets<'a>>,
    ) -> Result<(StepReport, Inspection)> {
        let targets = targets.into();
        self.resync().await?;
        let phase = self.turn(self.cursor.step).phase;
        let x = x.into();
        let rows = self.network.samples("inspect_step", x.clone())?.rows;
        let report = self.step_on(x, targets, true).await?;
        Ok((report, self.read_measures(phase, rows).await?))
    }

    /// Blocking form of [`Trainer::inspect_step_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn inspect_step<'a>(
        &mut self,
        x: impl Into<Inputs<'a>>,
        targets: impl Into<Targets<'a>>,
    ) -> Result<(StepReport, Inspection)> {
        pollster::block_on(self.inspect_step_async(x, targets))
    }

    /// The measures of an inspected step of this phase on this many rows, and their total length in floats.
    pub(super) fn measures(&self, phase: usize, rows: usize) -> (Vec<Inspected>, usize) {
        let steps = &self.phases[phase];
        inspected(&self.network.graph, &steps.computed, &steps.trained, rows)
    }

    /// Reads the measures of the last step, an inspected step of this phase on this many rows.
    pub(super) async fn read_measures(&mut self, phase: usize, rows: usize) -> Result<Inspection> {
        let (items, floats) = self.measures(phase, rows);
        let words = self
            .network
            .executor
            .read(Role::Measures, 0..floats)
            .await?;
        let measures: &[f32] = bytemuck::cast_slice(&words);
        let mut inspection = Inspection {
            activations: Vec::new(),
            parameters: Vec::new(),
        };
        let graph = &self.network.graph;
        for item in items {
            let statistics =
                TensorStatistics::new(item.shape, &measures[item.place..][..item.floats]);
            if let What::Activation(node) = item.what {
                let name = graph.nodes[node].op.activation_name().unwrap_or_default();
                inspection.activations.push(ActivationInspection {
                    name: format!("{} {name}", item.number),
                    values: statistics,
                });
                continue;
            }
            let name = &graph.parameters[item.number].name;
            if inspection
                .parameters
                .last()
                .is_none_or(|last| last.name != *name)
            {
                inspection.parameters.push(ParameterInspection {
                    name: name.clone(),
                    gradient: TensorStatistics::default(),
                    update: TensorStatistics::default(),
                    weight: TensorStatistics::default(),
                });
            }
            if let Some(parameter) = inspection.parameters.last_mut() {
                match item.what {
                    What::Gradient => parameter.gradient = statistics,
                    What::Update => parameter.update = statistics,
                    _ => parameter.weight = statistics,
                }
            }
        }
        Ok(inspection)
    }

    /// Begins an epoch, or the rest of one, to be run in parts.
    pub(super) fn begin_part(&self) -> PartialEpoch {
        PartialEpoch {
            start: Instant::now(),
            epoch: self.cursor.epoch,
            totals: Totals::new(self),
        }
    }

    /// Runs some steps of it, at most to its end.
    pub(super) async fn run_part(
        &mut self,
        data: &Dataset,
        steps: u64,
        part: &mut PartialEpoch,
    ) -> Result<()> {
        self.run_epoch(data, steps, false, &mut part.totals, &mut |_| {})
            .await
    }

    /// Runs one step of it with a check of the stop rule.
    pub(super) async fn check_part(
        &mut self,
        data: &Dataset,
        part: &mut PartialEpoch,
    ) -> Result<()> {
        self.run_epoch(data, 1, true, &mut part.totals, &mut |_| {})
            .await?;
        self.count_check().await
    }

    /// Its report.
    pub(super) fn end_part(&self, part: &PartialEpoch) -> EpochReport {
        part.totals.report(self, part.epoch, part.start)
    }

    /// Returns a copy of the network, on the same device, with the averaged weights of
    /// [`average`](crate::TrainerBuilder::average). Its running statistics are those of the original weights.
    /// [`Network::recompute_statistics`](crate::Network::recompute_statistics) computes them for the averaged weights.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the trainer keeps no average, or no update was done yet; also errors of the
    /// device.
    pub async fn averaged_async(&mut self) -> Result<crate::Network> {
        self.resync().await?;
        let refused = |found| {
            let expected = "enabled with `TrainerBuilder::average` and read after an update";
            Err(Error::argument("averaged weights", expected, found))
        };
        if self.settings.average.is_none() {
            return refused("no average".to_string());
        }
        if !self.has_updated() {
            return refused(format!("no update after {} steps", self.cursor.step));
        }
        // Allocate before reading, so that a refused call leaves nothing behind.
        let graph = self.network.graph.clone();
        let mut network = graph.build(self.network.output, self.network.device(), 0)?;
        network.set_loss_of(&self.network)?;
        let mut entries = self.network.entries().await?;
        let averages = self
            .network
            .arena_entries(Role::Average, 0, str::to_string)
            .await?;
        for average in averages {
            if let Some(entry) = entries.iter_mut().find(|entry| entry.name == average.name) {
                entry.values = average.values;
            }
        }
        network.set_entries("the averaged weights", entries)?;
        Ok(network)
    }

    /// Blocking form of [`Trainer::averaged_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn averaged(&mut self) -> Result<crate::Network> {
        pollster::block_on(self.averaged_async())
    }

    /// Recomputes the running statistics of the trainer's network, in batches of the trainer's size: see
    /// [`Network::recompute_statistics_async`](crate::Network::recompute_statistics_async).
    ///
    /// # Errors
    /// Those of [`Network::recompute_statistics_async`](crate::Network::recompute_statistics_async).
    pub async fn recompute_statistics_async(&mut self, data: &Dataset) -> Result<()> {
        self.resync().await?;
        let batch_size = self.settings.batch_size;
        let network = &mut self.network;
        network.recompute_statistics_async(data, batch_size).await
    }

    /// Blocking form of [`Trainer::recompute_statistics_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn recompute_statistics(&mut self, data: &Dataset) -> Result<()> {
        pollster::block_on(self.recompute_statistics_async(data))
    }
}
