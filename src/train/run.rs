//! The loop under a [`Trainer`]: steps are submitted ahead, a few submits are in flight, results are read late.

use super::options::Settings;
use super::phase::{Steps, Turn};
use super::resident::{Order, Room};
use super::{EpochReport, Progress, StepReport, Trainer, evaluate};
use crate::data::Dataset;
use crate::executor::{IN_FLIGHT, PlanId};
use crate::graph::Supervision;
use crate::kernel::update::{STATE_VALUES, state_at};
use crate::nn::Losses;
use crate::plan::{Clock, GatherSource, Request, Role, Task, Training, lower};
use crate::{Error, Result};
use std::time::Instant;

/// What tells the plans of one trainer apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PlanKey {
    pub(super) purpose: Purpose,
    pub(super) batch: usize,
    pub(super) supervision: Supervision,
    pub(super) gather: Option<GatherSource>,
}

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Train {
        phase: usize,
        /// Which of the micro-batches that make an update.
        micro: usize,
        /// Whether the average of the weights begins.
        first: bool,
        inspect: bool,
    },
    Evaluate,
}

/// Where a call began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Anchor {
    step: u64,
    position: usize,
    /// Batches of the epoch; 0 if the call takes its own batches.
    pub(super) batches: usize,
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
#[derive(Clone, Debug)]
pub(super) struct Totals {
    pub(super) steps: u64,
    pub(super) samples: usize,
    pub(super) losses: Losses,
}

impl Trainer {
    /// Runs at most `most` steps of the current epoch, inspected or not, and moves on to the next at its end.
    pub(super) async fn run_epoch(
        &mut self,
        data: &Dataset,
        most: u64,
        inspect: bool,
        totals: &mut Totals,
        progress: &mut impl FnMut(Progress),
    ) -> Result<()> {
        self.settle().await?;
        self.check_data(data)?;
        let Settings {
            batch_size,
            shuffle,
            seed,
            augment,
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
        let room = self.room(batch_size * self.table_steps);
        let source = GatherSource {
            augment: augment.map(|augmentation| (augmentation, seed)),
            ..self
                .training
                .load(&mut self.network.executor, data, order, room)?
        };
        let batches = data.len().div_ceil(batch_size);
        if self.position > 0 && self.samples != data.len() {
            return Err(Error::shape(
                "epoch",
                format!(
                    "the {} samples that this epoch began with, or `Trainer::end_epoch` before others",
                    self.samples
                ),
                format!("{} samples", data.len()),
            ));
        }
        self.samples = data.len();
        if self.position == 0 {
            self.epoch_losses.clear();
        }
        self.anchor = Anchor::at(self, batches);
        let supervision =
            self.network
                .check_supervision("data set", data.classes() > 0, source.target_cols)?;
        let end = self.position
            + (batches - self.position).min(usize::try_from(most).unwrap_or(usize::MAX));
        let (rows, tail) = (batch_size.min(data.len()), data.len() % batch_size);
        let mut plans = Vec::with_capacity(self.table_steps);
        let mut report = |last: StepReport, totals: &Totals| {
            progress(Progress {
                last,
                samples: totals.samples,
                total: data.len(),
                loss: totals.losses.loss(),
                accuracy: totals.losses.accuracy(),
            });
        };
        while self.position < end {
            let steps = (end - self.position).min(self.table_steps);
            plans.clear();
            let mut last_rows = rows;
            for i in 0..steps {
                if self.position + i + 1 == batches && tail != 0 {
                    last_rows = tail;
                }
                let key = PlanKey {
                    purpose: self.purpose(self.step + i as u64, inspect),
                    batch: last_rows,
                    supervision,
                    gather: Some(source),
                };
                plans.push(self.plan_for(key)?);
            }
            let first = self.position * batch_size;
            self.training
                .bring(&mut self.network.executor, data, first, steps * batch_size)?;
            self.submit(&plans, last_rows)?;
            self.position += steps;
            if self.in_flight.len() == IN_FLIGHT {
                self.collect(totals, &mut report).await?;
            }
        }
        while !self.in_flight.is_empty() {
            self.collect(totals, &mut report).await?;
        }
        self.unsettled = false;
        self.end_epoch_if_done(batches);
        Ok(())
    }

    /// How much of a data set may lie on the device, if a submit takes this many samples of it.
    pub(super) fn room(&self, chunk: usize) -> Room {
        Room {
            budget: self.settings.data_budget,
            binding: self.network.device.report().max_binding_bytes,
            chunk,
        }
    }

    /// Moves on to the next epoch if this one's batches are done.
    fn end_epoch_if_done(&mut self, batches: usize) {
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
                .read(Role::State(Clock::Training), 0..STATE_VALUES)
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
            self.end_epoch_if_done(self.anchor.batches);
        }
        self.write_state()?;
        self.unsettled = false;
        Ok(())
    }

    /// Writes the device's step counter, and clears the guard.
    pub(super) fn write_state(&mut self) -> Result<()> {
        let words = state_at(self.step as u32);
        self.network
            .executor
            .write(Role::State(Clock::Training), 0, &words)
    }

    /// Refuses a data set that does not fit the network or its losses.
    pub(super) fn check_data(&self, data: &Dataset) -> Result<()> {
        let network = &self.network;
        if data.features() != network.inputs() {
            return Err(Error::shape(
                "data set",
                format!("samples of {} values", network.inputs()),
                format!("samples of {} values", data.features()),
            ));
        }
        let cols = (data.target_cols() > 0).then_some(data.target_cols());
        let supervision = network.check_supervision("data set", data.classes() > 0, cols)?;
        for term in &network.terms {
            if !term.takes_labels(supervision) {
                continue;
            }
            if data.classes() > network.classes(term) {
                return Err(Error::shape(
                    "data set",
                    format!(
                        "at most {} classes for the loss {}",
                        network.classes(term),
                        term.name
                    ),
                    format!("{} classes", data.classes()),
                ));
            }
            if data.lacks_labels() && term.loss.ignore_index != Some(Dataset::NO_LABEL) {
                return Err(Error::argument(
                    "the labels of a data set",
                    format!(
                        "all there, unless the loss {} ignores Dataset::NO_LABEL",
                        term.name
                    ),
                    "some that are not",
                ));
            }
        }
        Ok(())
    }

    /// What a step is for.
    pub(super) fn purpose(&self, step: u64, inspect: bool) -> Purpose {
        let Turn {
            phase,
            micro,
            update,
        } = self.turn(step);
        // The average begins with the first update of any phase.
        let first = self.settings.average.is_some() && update == 0 && phase == 0;
        Purpose::Train {
            phase,
            micro,
            first,
            inspect,
        }
    }

    /// The plan for a key, made when first wanted.
    pub(super) fn plan_for(&mut self, key: PlanKey) -> Result<PlanId> {
        if let Some((_, id)) = self.plans.iter().find(|(k, _)| *k == key) {
            return Ok(*id);
        }
        let batch_size = self.settings.batch_size;
        let (task, table_steps, ring_batch) = match key.purpose {
            Purpose::Train {
                phase,
                micro,
                first,
                inspect,
            } => {
                let training = train_task(&self.settings, &self.phases[phase], phase);
                let training = Training {
                    micro,
                    inspect,
                    average: training.average.map(|(decay, _)| (decay, first)),
                    ..training
                };
                (Task::Train(training), self.table_steps, batch_size)
            }
            Purpose::Evaluate => {
                let batch = evaluate::batch(batch_size);
                (Task::Evaluate, evaluate::BATCHES_PER_SUBMIT, batch)
            }
        };
        let plan = lower(&Request {
            gather: key.gather,
            table_steps,
            ring_batch,
            seed: self.settings.seed,
            ..self.network.request(key.batch, task, key.supervision)
        });
        let id = self.network.executor.add(&plan)?;
        self.plans.push((key, id));
        Ok(id)
    }
}

impl Totals {
    pub(super) fn new(trainer: &Trainer) -> Self {
        Totals {
            steps: 0,
            samples: 0,
            losses: Losses::new(&trainer.network, trainer.settings.batch_size),
        }
    }

    pub(super) fn report(&self, trainer: &Trainer, epoch: u32, start: Instant) -> EpochReport {
        EpochReport {
            epoch,
            steps: self.steps,
            samples: self.samples,
            loss: self.losses.loss(),
            terms: trainer.term_reports(&self.losses),
            accuracy: self.losses.accuracy(),
            seconds: start.elapsed().as_secs_f64(),
        }
    }
}

/// A step of a phase.
pub(super) fn train_task<'a>(settings: &Settings, steps: &'a Steps, phase: usize) -> Training<'a> {
    Training {
        terms: &steps.terms,
        trained: &steps.trained,
        moves: &steps.moves,
        computed: &steps.computed,
        optimizer: steps.optimizer,
        gradient_norm: settings.gradient_norm,
        clip: settings.clip,
        grouped: steps.factors.is_some(),
        phase,
        accumulate: settings.accumulate,
        // The one that updates.
        micro: settings.accumulate - 1,
        average: settings.average.map(|decay| (decay, false)),
        inspect: false,
    }
}
