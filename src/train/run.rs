//! The training loop of a [`Trainer`]: it submits steps ahead, with a few submits in flight, and reads results late.

use super::order::Order;
use super::resident::{Placement, Room};
use super::rule_memory::Check;
use super::settings::Settings;
use super::state::{Anchor, Due};
use super::state_buffers::zero_states;
use super::tasks::lower_key;
use super::totals::Totals;
use super::{Progress, StepReport, Trainer};
use crate::data::Dataset;
use crate::executor::{IN_FLIGHT, Needs, What};
use crate::graph::Supervision;
use crate::kernel::base::state::STATUS_WORDS;
use crate::nn::{PlanKey, Purpose};
use crate::plan::{BufferSpec, Clock, GatherSource, Role};
use crate::{Error, Result};
use std::sync::Arc;

/// Batches of a call's steps on a data set.
#[derive(Clone, Debug)]
struct Course {
    /// Number of batches in an epoch, rows of all but the last, and rows of the last.
    batches: usize,
    rows: usize,
    last_rows: usize,
    supervision: Supervision,
    source: Arc<GatherSource>,
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

impl Trainer {
    /// Runs at most `most` steps of the current epoch, and advances to the next epoch at its end. With `inspect` it
    /// runs one step, for a check of the stop rule.
    pub(super) async fn run_epoch(
        &mut self,
        data: &Dataset,
        most: u64,
        inspect: bool,
        totals: &mut Totals,
        progress: &mut impl FnMut(Progress),
    ) -> Result<()> {
        self.resync().await?;
        let (data, supervision) = &self.check_data(data)?;
        let Settings {
            batch_size,
            shuffle,
            seed,
            augment,
            ..
        } = self.settings;
        if self.cursor.position > 0 && self.cursor.samples != data.len() {
            return Err(Error::shape(
                "epoch",
                format!(
                    "the {} samples that this epoch began with, or `Trainer::end_epoch` before others",
                    self.cursor.samples
                ),
                format!("{} samples", data.len()),
            ));
        }
        let placement = self
            .room(batch_size, self.pipeline.submit_steps)
            .place(data);
        let batches = self.batches_under_way(data.len());
        if batches == 0 {
            return Err(Error::shape(
                "epoch",
                format!(
                    "at least {batch_size} samples, one full batch, since `drop_last` leaves out a smaller one"
                ),
                format!("{} samples", data.len()),
            ));
        }
        let rows = batch_size.min(data.len());
        // Number of samples in an epoch.
        let total = data.len().min(self.first_sample(batches));
        let course = Course {
            batches,
            rows,
            last_rows: total - self.first_sample(batches - 1),
            supervision: *supervision,
            source: Arc::new(GatherSource {
                augment: augment.map(|augmentation| (augmentation, seed)),
                ..placement.source(data, &self.network)
            }),
            inspect,
        };
        let end = self.cursor.position
            + (batches - self.cursor.position).min(usize::try_from(most).unwrap_or(usize::MAX));
        self.cursor.course = batches;
        self.prepare_steps(&course, end, placement, data)?;
        let shuffled = shuffle.then_some((seed, self.cursor.epoch));
        let order = Order::of(&self.network, rows, shuffled);
        self.data
            .training
            .load(&mut self.network.executor, data, order, placement)?;
        self.cursor.samples = data.len();
        if self.cursor.position == 0 {
            self.record.losses.clear();
            zero_states(&mut self.network, batch_size, Clock::Training)?;
        }
        self.pipeline.anchor = Anchor::at(&self.cursor, batches);
        self.record.counted = self.cursor.step;
        if inspect {
            self.memory.check = Some(Check {
                step: self.cursor.step,
                phase: self.turn(self.cursor.step).phase,
                rows: course.rows_at(self.cursor.position),
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
        let mut position = self.cursor.position;
        let every = self.settings.progress_every;
        let due = Due {
            every: every.unwrap_or(self.settings.steps_per_submit as u64),
            last: self.cursor.step + (end - position) as u64 - 1,
        };
        while position < end || !self.pipeline.in_flight.is_empty() {
            let steps = self.steps_ahead((end - position).min(placement.batches))?;
            if steps > 0 {
                plans.clear();
                for i in 0..steps {
                    plans.push(self.network.ready(&self.key(&course, i)).0);
                }
                let last_rows = course.rows_at(position + steps - 1);
                let first = self.first_sample(position);
                self.data.training.bring(
                    &mut self.network.executor,
                    data,
                    first,
                    steps.saturating_mul(batch_size),
                )?;
                let mut turns = self.pipeline.spare_turns.pop().unwrap_or_default();
                turns.clear();
                turns.extend((0..steps).map(|i| self.turn(self.cursor.step + i as u64)));
                self.scale_steps(data, *supervision, steps)?;
                self.submit(&plans, turns, last_rows)?;
                position += steps;
                (self.cursor.epoch, self.cursor.position) = self.pipeline.anchor.place(position);
            }
            if steps == 0 || self.pipeline.in_flight.len() == IN_FLIGHT {
                let submitted = self.cursor.step;
                self.collect(totals, due, &mut report).await?;
                if self.cursor.step < submitted {
                    // Steps must be repeated with care, which needs other plans.
                    position = self.cursor.position;
                    self.prepare_steps(&course, end, placement, data)?;
                }
            }
        }
        self.pipeline.out_of_sync = false;
        Ok(())
    }

    /// Plan key of the step `ahead` steps after the next one, on a batch of a data set.
    fn key(&self, course: &Course, ahead: usize) -> PlanKey {
        PlanKey {
            purpose: self.purpose(self.cursor.step + ahead as u64, course.inspect),
            batch: course.rows_at(self.cursor.position + ahead),
            supervision: course.supervision,
            gather: Some(Arc::clone(&course.source)),
        }
    }

    /// Number of steps of the next submit, at most `steps`. Their values must fit in `f32`, and no submit crosses a
    /// multiple of 2³², where the host writes the high half of the step counter. It is 0 only while results are
    /// pending.
    ///
    /// # Errors
    /// Those of [`Trainer::step_values`], once all earlier steps are done.
    fn steps_ahead(&self, steps: usize) -> Result<usize> {
        let until = (1 << 32) - (self.cursor.step & u64::from(u32::MAX));
        let steps = steps.min(usize::try_from(until).unwrap_or(usize::MAX));
        for ahead in 0..steps {
            match self.step_values(self.turn(self.cursor.step + ahead as u64)) {
                Err(error) if ahead == 0 && self.pipeline.in_flight.is_empty() => {
                    return Err(error);
                }
                Err(_) => return Ok(ahead),
                Ok(_) => {}
            }
        }
        Ok(steps)
    }

    /// Allocates everything that the steps up to batch `end` of the epoch need, or nothing.
    fn prepare_steps(
        &mut self,
        course: &Course,
        end: usize,
        placement: Placement,
        data: &Dataset,
    ) -> Result<()> {
        let steps = end - self.cursor.position;
        let mut keys: Vec<PlanKey> = Vec::new();
        for key in (0..steps).map(|ahead| self.key(course, ahead)) {
            if keys.last() != Some(&key) && !keys.contains(&key) {
                keys.push(key);
            }
        }
        let buffers = self.data.training.buffers(data, placement);
        let submits = steps.div_ceil(placement.batches);
        let what = What::Count("training on", data.len(), "samples");
        self.prepare(what, &keys, &buffers, (submits, self.fetched_words()))
    }

    /// Prepares plans, and allocates buffers and the readback buffers of the submits.
    pub(super) fn prepare(
        &mut self,
        what: What<'_>,
        keys: &[PlanKey],
        buffers: &[BufferSpec],
        (submits, words): (usize, usize),
    ) -> Result<()> {
        let mut reads = self.network.read_words().max(STATUS_WORDS);
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
            // Saving needs this room too.
            reads,
            ..Needs::default()
        };
        let (settings, phases, table_steps) =
            (&self.settings, &self.phases, self.pipeline.table_steps);
        self.network.prepare(needs, keys, |network, key| {
            lower_key(network, settings, phases, table_steps, key)
        })
    }

    /// Limits of a data set on the device, for at most `batches` batches per submit.
    pub(super) fn room(&self, batch: usize, batches: usize) -> Room {
        Room {
            budget: self.settings.data_budget,
            binding: self.network.device.report().max_binding_bytes,
            batch,
            batches,
        }
    }
}
