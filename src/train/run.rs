//! The loop under a [`Trainer`]: steps are submitted ahead, a few submits are in flight, results are read late.

use super::options::Settings;
use super::phase::{Steps, Turn};
use super::pipeline::Due;
use super::remembered::Check;
use super::resident::{Order, Placement, Room};
use super::{EpochReport, Progress, StepReport, Trainer};
use crate::data::Dataset;
use crate::executor::{IN_FLIGHT, Needs, What};
use crate::graph::Supervision;
use crate::kernel::base::state::{STATE_HIGH, STATE_VALUES, state_at};
use crate::nn::{Losses, Network, PlanKey, Purpose};
use crate::plan::{BufferSpec, Clock, GatherSource, Plan, PlanSpec, Role, Task, Training, lower};
use crate::time::Instant;
use crate::{Error, Result};

/// Where a call began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Anchor {
    pub(super) step: u64,
    epoch: u32,
    position: usize,
    /// Batches of the epoch; 0 if the call takes its own batches, or if the epoch was ended since.
    pub(super) batches: usize,
}

impl Anchor {
    pub(super) fn at(trainer: &Trainer, batches: usize) -> Self {
        Anchor {
            step: trainer.step,
            epoch: trainer.epoch,
            position: trainer.position,
            batches,
        }
    }

    /// Epoch and position when so many of the batches are done.
    fn place(&self, batches: usize) -> (u32, usize) {
        if batches == self.batches {
            (self.epoch.saturating_add(1), 0)
        } else {
            (self.epoch, batches)
        }
    }
}

/// How the steps of a call take their batches from a data set.
#[derive(Clone, Copy, Debug)]
struct Course {
    /// Batches of an epoch, rows of all but the last, and of that one.
    batches: usize,
    rows: usize,
    last_rows: usize,
    supervision: Supervision,
    source: GatherSource,
    inspect: bool,
}

impl Course {
    fn rows_at(&self, batch: usize) -> usize {
        if batch + 1 == self.batches {
            self.last_rows
        } else {
            self.rows
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
    /// Runs at most `most` steps of the current epoch, and moves on to the next at its end. With `inspect` it is one step, for
    /// a check of the stop rule.
    pub(super) async fn run_epoch(
        &mut self,
        data: &Dataset,
        most: u64,
        inspect: bool,
        totals: &mut Totals,
        progress: &mut impl FnMut(Progress),
    ) -> Result<()> {
        self.settle().await?;
        let supervision = self.check_data(data)?;
        let Settings {
            batch_size,
            shuffle,
            seed,
            augment,
            ..
        } = self.settings;
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
        let placement = self.room(batch_size, self.submit_steps).place(data);
        let batches = self.batches_under_way(data.len());
        if batches == 0 {
            return Err(Error::shape(
                "epoch",
                format!(
                    "at least {batch_size} samples, a whole batch, as a smaller one is left out"
                ),
                format!("{} samples", data.len()),
            ));
        }
        let rows = batch_size.min(data.len());
        // The samples that an epoch sees.
        let total = data.len().min(self.first_sample(batches));
        let course = Course {
            batches,
            rows,
            last_rows: total - self.first_sample(batches - 1),
            supervision,
            source: GatherSource {
                augment: augment.map(|augmentation| (augmentation, seed)),
                ..placement.source(data)
            },
            inspect,
        };
        let end = self.position
            + (batches - self.position).min(usize::try_from(most).unwrap_or(usize::MAX));
        self.course = batches;
        self.prepare_steps(&course, end, placement, data)?;
        let order = if shuffle {
            Order::Shuffled {
                seed,
                epoch: self.epoch,
            }
        } else {
            Order::AsGiven
        };
        self.training
            .load(&mut self.network.executor, data, order, placement)?;
        self.samples = data.len();
        if self.position == 0 {
            self.epoch_losses.clear();
        }
        self.anchor = Anchor::at(self, batches);
        self.counted = self.step;
        if inspect {
            self.memory.check = Some(Check {
                step: self.step,
                phase: self.turn(self.step).phase,
                rows: course.rows_at(self.position),
            });
            self.network.executor.pin(Some(Role::Measures));
        }
        let mut plans = Vec::with_capacity(placement.batches);
        let mut report = |last: StepReport, totals: &Totals| {
            progress(Progress {
                last,
                samples: totals.samples,
                total,
                loss: totals.losses.loss(),
                accuracy: totals.losses.accuracy(),
            });
        };
        let mut position = self.position;
        let every = self.settings.progress_every;
        let due = Due {
            every: every.unwrap_or(self.settings.steps_per_submit as u64),
            last: self.step + (end - position) as u64 - 1,
        };
        while position < end || !self.in_flight.is_empty() {
            let steps = self.steps_ahead((end - position).min(placement.batches))?;
            if steps > 0 {
                plans.clear();
                for i in 0..steps {
                    plans.push(self.network.ready(&self.key(&course, i)).0);
                }
                let last_rows = course.rows_at(position + steps - 1);
                let first = self.first_sample(position);
                self.training
                    .bring(&mut self.network.executor, data, first, steps * batch_size)?;
                let mut turns = self.spare_turns.pop().unwrap_or_default();
                turns.clear();
                turns.extend((0..steps).map(|i| self.turn(self.step + i as u64)));
                self.scale_steps(data, supervision, steps)?;
                self.submit(&plans, turns, last_rows)?;
                position += steps;
                (self.epoch, self.position) = self.anchor.place(position);
            }
            if steps == 0 || self.in_flight.len() == IN_FLIGHT {
                let submitted = self.step;
                self.collect(totals, due, &mut report).await?;
                if self.step < submitted {
                    // Steps are to be repeated with care: with other plans.
                    position = self.position;
                    self.prepare_steps(&course, end, placement, data)?;
                }
            }
        }
        self.unsettled = false;
        Ok(())
    }

    /// The number of the sample, in the order of the epoch, with which one of its batches begins.
    pub(super) fn first_sample(&self, batch: usize) -> usize {
        let (epoch, shift) = self.shifted;
        let shift = if epoch == self.epoch { shift } else { 0 };
        let first = (batch * self.settings.batch_size) as i64 + shift;
        usize::try_from(first).unwrap_or(0)
    }

    /// The batches of the epoch under way, of so many samples; those that were taken with another batch size count as whole
    /// ones.
    pub(super) fn batches_under_way(&self, samples: usize) -> usize {
        let begun = self.first_sample(self.position);
        self.position + self.batches(samples.saturating_sub(begun))
    }

    /// What the step `ahead` steps after the next one does, on a batch of a data set.
    fn key(&self, course: &Course, ahead: usize) -> PlanKey {
        PlanKey {
            purpose: self.purpose(self.step + ahead as u64, course.inspect),
            batch: course.rows_at(self.position + ahead),
            supervision: course.supervision,
            gather: Some(course.source),
        }
    }

    /// How many of so many steps the next submit may hold: those that the device can be given the values of, and none beyond
    /// a multiple of 2³², where the host writes the high half of the step counter. If there is none, results are on their
    /// way.
    ///
    /// # Errors
    /// Those of [`Trainer::step_values`], once all steps before are done.
    fn steps_ahead(&self, steps: usize) -> Result<usize> {
        let until = (1 << 32) - (self.step & u64::from(u32::MAX));
        let steps = steps.min(usize::try_from(until).unwrap_or(usize::MAX));
        for ahead in 0..steps {
            match self.step_values(self.turn(self.step + ahead as u64)) {
                Err(error) if ahead == 0 && self.in_flight.is_empty() => return Err(error),
                Err(_) => return Ok(ahead),
                Ok(_) => {}
            }
        }
        Ok(steps)
    }

    /// Makes room for all that the steps up to batch `end` of the epoch need, or for nothing.
    fn prepare_steps(
        &mut self,
        course: &Course,
        end: usize,
        placement: Placement,
        data: &Dataset,
    ) -> Result<()> {
        let steps = end - self.position;
        let mut keys: Vec<PlanKey> = Vec::new();
        for key in (0..steps).map(|ahead| self.key(course, ahead)) {
            if keys.last() != Some(&key) && !keys.contains(&key) {
                keys.push(key);
            }
        }
        let buffers = self.training.buffers(data, placement);
        let submits = steps.div_ceil(placement.batches);
        let what = What::Count("training on", data.len(), "samples");
        self.prepare(what, &keys, &buffers, (submits, self.fetched_words()))
    }

    /// Makes plans ready, and room for buffers and for the results of so many submits, of so many words each.
    pub(super) fn prepare(
        &mut self,
        what: What<'_>,
        keys: &[PlanKey],
        buffers: &[BufferSpec],
        (submits, words): (usize, usize),
    ) -> Result<()> {
        let mut reads = self.network.read_words().max(STATE_VALUES);
        for key in keys {
            if let Purpose::Train {
                phase,
                inspect: true,
                ..
            } = key.purpose
            {
                reads = reads.max(self.measures(phase, key.batch).1);
            }
        }
        let needs = Needs {
            what,
            buffers,
            fetches: (submits.min(IN_FLIGHT), words),
            // For what saves, too.
            reads,
            ..Needs::default()
        };
        let (settings, phases, table_steps) = (&self.settings, &self.phases, self.table_steps);
        self.network.prepare(needs, keys, |network, key| {
            lower_key(network, settings, phases, table_steps, key)
        })
    }

    /// How much of a data set may lie on the device, if a submit takes at most this many batches of it.
    pub(super) fn room(&self, batch: usize, batches: usize) -> Room {
        Room {
            budget: self.settings.data_budget,
            binding: self.network.device.report().max_binding_bytes,
            batch,
            batches,
        }
    }

    /// Makes the host agree with the device, if the last call stopped half-way: by an error, or because its future was
    /// dropped. Losses and checks of the stop rule whose results were on their way are counted.
    pub(super) async fn settle(&mut self) -> Result<()> {
        self.check_network()?;
        if self.unsettled {
            self.in_flight.clear();
            let state = self
                .network
                .executor
                .read(Role::State(Clock::Training), 0..STATE_VALUES)
                .await?;
            self.count_missed(self.step_of(state[0])).await?;
            self.go_on_from(state[0], state[3] != 0)?;
        }
        // Values from the host may be as large as they like.
        if self.wild_writes != self.network.wild_writes {
            self.wild_writes = self.network.wild_writes;
            self.take_care();
        }
        self.count_check().await
    }

    /// The step of this call that the device, which counts in 32 bits, means.
    pub(super) fn step_of(&self, step: u32) -> u64 {
        let submitted = self.step.saturating_sub(self.anchor.step);
        let done = u64::from(step.wrapping_sub(self.anchor.step as u32)).min(submitted);
        self.anchor.step + done
    }

    /// Takes the device's step counter for the host's, and clears the guard; `care` says whether the device asks for it.
    pub(super) fn go_on_from(&mut self, step: u32, care: bool) -> Result<()> {
        self.step = self.step_of(step);
        self.go_back_to(self.step);
        let done = self.step - self.anchor.step;
        if self.anchor.batches > 0 {
            (self.epoch, self.position) = self.anchor.place(self.anchor.position + done as usize);
        }
        if care {
            self.take_care();
        }
        self.write_state()?;
        self.unsettled = false;
        Ok(())
    }

    /// Writes the device's step counter, and clears the guard.
    pub(super) fn write_state(&mut self) -> Result<()> {
        let words = state_at(self.step);
        self.high = words[STATE_HIGH];
        self.network
            .executor
            .write(Role::State(Clock::Training), 0, &words)
    }

    /// Refuses a data set that does not fit the network or its losses.
    pub(super) fn check_data(&self, data: &Dataset) -> Result<Supervision> {
        let network = &self.network;
        if u32::try_from(data.len()).is_err() {
            return Err(Error::argument(
                "the samples of a data set",
                "below 2³²",
                data.len(),
            ));
        }
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
        Ok(supervision)
    }

    /// What a step is for.
    pub(super) fn purpose(&self, step: u64, inspect: bool) -> Purpose {
        let turn = self.turn(step);
        let Turn {
            phase,
            update,
            opens,
            updates,
        } = turn;
        // The average begins with the first update of any phase.
        let first = self.settings.average.is_some() && update == 0 && phase == 0;
        Purpose::Train {
            phase,
            opens,
            updates,
            first: first && updates,
            inspect,
            careful: self.is_careful(step, turn),
        }
    }

    /// Whether a step must be a careful one: see [`crate::kernel::base::guard`].
    pub(super) fn is_careful(&self, step: u64, turn: Turn) -> bool {
        let optimizer = self.phases[turn.phase].optimizer;
        step < self.careful_until
            || !optimizer.is_ordinary(self.rate_of(turn), self.greatest[turn.phase])
    }

    /// Takes care from this step on: for so many steps that all parameters have their turn, and that the rare step that
    /// has to be repeated when care ends costs little.
    pub(super) fn take_care(&mut self) {
        let cycle = (self.phases.len() as u64).saturating_mul(self.settings.accumulate as u64);
        self.careful_until = self.step.saturating_add(cycle.max(CAREFUL_STEPS));
    }
}

/// Steps that care is taken for, once it was needed.
const CAREFUL_STEPS: u64 = 1024;

/// The plan of a key of a trainer.
fn lower_key(
    network: &Network,
    settings: &Settings,
    phases: &[Steps],
    table_steps: usize,
    key: &PlanKey,
) -> Plan {
    let (task, table_steps, ring_batch) = match key.purpose {
        Purpose::Train {
            phase,
            opens,
            updates,
            first,
            inspect,
            careful,
        } => {
            let training = train_task(settings, &phases[phase], phase);
            let training = Training {
                opens,
                updates,
                inspect,
                careful,
                average: training.average.map(|(decay, _)| (decay, first)),
                ..training
            };
            (Task::Train(training), table_steps, settings.batch_size)
        }
        Purpose::Evaluate { most, batches } => (Task::Evaluate, batches, most),
        Purpose::Predict | Purpose::Differentiate | Purpose::Statistics => {
            unreachable!("the network's own plans")
        }
    };
    lower(&PlanSpec {
        gather: key.gather,
        table_steps,
        ring_batch,
        seed: settings.seed,
        ..network.request(key.batch, task, key.supervision)
    })
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
        fixed: &steps.fixed,
        computed: &steps.computed,
        optimizer: steps.optimizer,
        gradient_norm: settings.gradient_norm,
        clip: settings.clip,
        grouped: steps.factors.is_some(),
        phase,
        accumulates: settings.accumulate > 1,
        // The one that updates.
        opens: settings.accumulate == 1,
        updates: true,
        average: settings.average.map(|decay| (decay, false)),
        inspect: false,
        careful: false,
    }
}
