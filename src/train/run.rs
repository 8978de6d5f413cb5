//! The loop under a [`Trainer`]: steps are submitted ahead, a few submits are in flight, results are read late.

use super::options::Settings;
use super::resident::Order;
use super::{EpochReport, Progress, StepReport, Trainer, evaluate};
use crate::data::Dataset;
use crate::executor::{IN_FLIGHT, PlanId};
use crate::kernel::update::ALL_FINITE;
use crate::nn::Network;
use crate::plan::{Clock, GatherSource, Request, Role, Task, lower};
use crate::{Error, Result};
use std::time::Instant;

/// What tells the plans of one trainer apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PlanKey {
    pub(super) task: Task,
    pub(super) batch: usize,
    pub(super) gather: Option<GatherSource>,
}

/// Where a call began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Anchor {
    step: u64,
    position: usize,
    /// Batches of the epoch; 0 if the call takes its own batches.
    batches: usize,
}

impl Anchor {
    pub(super) fn at(trainer: &Trainer, batches: usize) -> Self {
        Anchor {
            step: trainer.step,
            position: trainer.position,
            batches,
        }
    }
}

/// Sums over the steps of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) steps: u64,
    pub(super) samples: usize,
    pub(super) loss: f64,
    pub(super) correct: usize,
}

impl Trainer {
    /// Runs at most `most` steps of the current epoch, and moves on to the next at its end.
    pub(super) async fn run_epoch(
        &mut self,
        data: &Dataset,
        most: u64,
        totals: &mut Totals,
        progress: &mut impl FnMut(Progress),
    ) -> Result<()> {
        self.settle().await?;
        self.check_data(data)?;
        let Settings {
            batch_size,
            shuffle,
            seed,
            ..
        } = self.settings;
        let order = if shuffle {
            Order::Shuffled {
                seed,
                epoch: self.epoch,
            }
        } else {
            Order::AsGiven
        };
        let source = self
            .training
            .load(&mut self.network.executor, data, order)?;
        let batches = data.len().div_ceil(batch_size);
        if self.position > 0 && self.samples != data.len() {
            return Err(Error::shape(
                "epoch",
                format!("the {} samples that this epoch began with", self.samples),
                format!("{} samples", data.len()),
            ));
        }
        self.samples = data.len();
        self.anchor = Anchor::at(self, batches);
        let task = train_task(&self.network, &self.settings);
        let end = self.position
            + (batches - self.position).min(usize::try_from(most).unwrap_or(usize::MAX));
        let tail = data.len() % batch_size;
        let whole = self.plan_for(PlanKey {
            task,
            batch: batch_size.min(data.len()),
            gather: Some(source),
        })?;
        let short = match tail {
            0 => whole,
            tail => self.plan_for(PlanKey {
                task,
                batch: tail,
                gather: Some(source),
            })?,
        };
        let mut plans = vec![whole; self.table_steps];
        let mut report = |last: StepReport, totals: &Totals| {
            progress(Progress {
                last,
                samples: totals.samples,
                total: data.len(),
                loss: totals.loss / totals.samples as f64,
                accuracy: totals.correct as f64 / totals.samples as f64,
            });
        };
        while self.position < end {
            let steps = (end - self.position).min(self.table_steps);
            plans[..steps].fill(whole);
            let mut last_rows = batch_size.min(data.len());
            if self.position + steps == batches && tail != 0 {
                (plans[steps - 1], last_rows) = (short, tail);
            }
            self.submit(&plans[..steps], last_rows)?;
            self.position += steps;
            if self.in_flight.len() == IN_FLIGHT {
                self.collect(totals, &mut report).await?;
            }
        }
        while !self.in_flight.is_empty() {
            self.collect(totals, &mut report).await?;
        }
        self.unsettled = false;
        self.end_epoch(batches);
        Ok(())
    }

    /// Moves on to the next epoch if this one's batches are done.
    fn end_epoch(&mut self, batches: usize) {
        if self.position == batches {
            (self.epoch, self.position) = (self.epoch + 1, 0);
        }
    }

    /// Makes the host agree with the device, if the last call stopped half-way: by an error, or because its future was
    /// dropped.
    pub(super) async fn settle(&mut self) -> Result<()> {
        self.check_network()?;
        if self.unsettled {
            self.in_flight.clear();
            let state = self
                .network
                .executor
                .read(Role::State(Clock::Training), 0..4)
                .await?;
            self.go_on_from(state[0])?;
        }
        Ok(())
    }

    /// Takes the device's step counter for the host's, and clears the guard.
    pub(super) fn go_on_from(&mut self, step: u32) -> Result<()> {
        // The device counts in 32 bits.
        let done = step.wrapping_sub(self.anchor.step as u32);
        self.step = self.anchor.step + u64::from(done);
        if self.anchor.batches > 0 {
            self.position = self.anchor.position + done as usize;
            self.end_epoch(self.anchor.batches);
        }
        self.write_state()?;
        self.unsettled = false;
        Ok(())
    }

    /// Writes the device's step counter, and clears the guard.
    pub(super) fn write_state(&mut self) -> Result<()> {
        let step = self.step as u32;
        let words = [step, step, ALL_FINITE, 0];
        self.network
            .executor
            .write(Role::State(Clock::Training), 0, &words)
    }

    pub(super) fn check_data(&self, data: &Dataset) -> Result<()> {
        if data.features() != self.network.inputs() || data.classes() > self.network.outputs() {
            return Err(Error::shape(
                "data set",
                format!(
                    "samples of {} values, at most {} classes",
                    self.network.inputs(),
                    self.network.outputs()
                ),
                format!(
                    "samples of {} values, {} classes",
                    data.features(),
                    data.classes()
                ),
            ));
        }
        Ok(())
    }

    /// The plan for a key, made when first wanted.
    pub(super) fn plan_for(&mut self, key: PlanKey) -> Result<PlanId> {
        if let Some((_, id)) = self.plans.iter().find(|(k, _)| *k == key) {
            return Ok(*id);
        }
        let settings = &self.settings;
        let mut request = request(
            &self.network,
            settings,
            key.batch,
            key.task,
            key.gather,
            self.table_steps,
        );
        if let Task::Evaluate { .. } = key.task {
            request.table_steps = evaluate::BATCHES_PER_SUBMIT;
            request.ring_stride = self.network.loss_sums(evaluate::batch(settings.batch_size));
        }
        let plan = lower(&request);
        let id = self.network.executor.add(&plan)?;
        self.plans.push((key, id));
        Ok(id)
    }
}

impl Totals {
    pub(super) fn report(&self, epoch: u32, start: Instant) -> EpochReport {
        EpochReport {
            epoch,
            steps: self.steps,
            samples: self.samples,
            loss: self.loss / self.samples as f64,
            accuracy: self.correct as f64 / self.samples as f64,
            seconds: start.elapsed().as_secs_f64(),
        }
    }
}

pub(super) fn train_task(network: &Network, settings: &Settings) -> Task {
    Task::Train {
        logits: network.output,
        optimizer: settings.optimizer,
        gradient_norm: settings.gradient_norm,
    }
}

pub(super) fn request<'a>(
    network: &'a Network,
    settings: &Settings,
    batch: usize,
    task: Task,
    gather: Option<GatherSource>,
    table_steps: usize,
) -> Request<'a> {
    Request {
        graph: &network.graph,
        arena: &network.arena,
        batch,
        task,
        gather,
        table_steps,
        ring_stride: network.loss_sums(batch.max(settings.batch_size)),
    }
}
