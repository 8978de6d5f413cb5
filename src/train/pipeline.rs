//! Pipeline of submits and their results; up to three are in flight.

use super::state::{Due, InFlight};
use super::steps::Turn;
use super::totals::Totals;
use super::{StepReport, Trainer};
use crate::executor::{IN_FLIGHT, PlanId};
use crate::kernel::base::guard::ALL_FINITE;
use crate::kernel::base::scale::norm;
use crate::kernel::base::state::{
    CARE, ENTRY_WORDS, FIRST_NON_FINITE, STATUS_WORDS, STEP, STEP_HIGH,
};
use crate::kernel::loss::{ENTRY, LOSS_ID};
use crate::kernel::reduction::squares::PAIR;
use crate::kernel::update::StepValues;
use crate::plan::{Clock, Role, gradient_parts};
use crate::{Error, Result};

impl Trainer {
    /// Fills the step table and submits the steps, with the copies of their results in the same submit.
    pub(super) fn submit(
        &mut self,
        plans: &[PlanId],
        turns: Vec<Turn>,
        last_rows: usize,
    ) -> Result<()> {
        let batch = self.settings.batch_size;
        self.pipeline.out_of_sync = true;
        let high = (self.cursor.step >> 32) as u32;
        if high != self.pipeline.high {
            let state = Role::State(Clock::Training);
            self.network.executor.write(state, STEP_HIGH, &[high])?;
            self.pipeline.high = high;
        }
        let mut first = 0;
        // The table is a ring, so the entries form at most two contiguous runs.
        while first < plans.len() {
            let place =
                ((self.cursor.step + first as u64) % self.pipeline.table_steps as u64) as usize;
            let run = (self.pipeline.table_steps - place).min(plans.len() - first);
            self.pipeline.entries.clear();
            for (i, &turn) in turns.iter().enumerate().skip(first).take(run) {
                let begin = self.first_sample(self.cursor.position);
                let offset = self.data.training.offset(begin, begin + i * batch);
                let values = self.step_values(turn)?;
                self.pipeline.entries.extend(values.entry(offset));
            }
            self.network.executor.write(
                Role::StepTable(Clock::Training),
                ENTRY_WORDS * place,
                &self.pipeline.entries,
            )?;
            first += run;
        }
        self.fetch_places(plans.len());
        let ticket = self
            .network
            .executor
            .run_and_fetch(plans, &self.pipeline.fetch)?;
        self.pipeline.in_flight.push_back(InFlight {
            ticket,
            first_step: self.cursor.step,
            turns,
            last_rows,
        });
        self.cursor.step += plans.len() as u64;
        self.accumulation.group.clone_from(&self.accumulation.next);
        Ok(())
    }

    /// Lists the ranges to read back: the state, and the entries of the next steps in the metric ring and in the ring
    /// of gradient norms, if it exists. The entries of a ring are in step order, in two ranges if they wrap around.
    fn fetch_places(&mut self, steps: usize) {
        let first = (self.cursor.step % self.pipeline.table_steps as u64) as usize;
        let at_end = steps.min(self.pipeline.table_steps - first);
        let [metrics, norms] = self.place_words();
        self.pipeline.fetch.clear();
        self.pipeline
            .fetch
            .push((Role::State(Clock::Training), 0..STATUS_WORDS));
        let rings = [
            (Role::Metrics(Clock::Training), metrics),
            (Role::GradientNorms, norms),
        ];
        for (role, words) in rings {
            for run in [first..first + at_end, 0..steps - at_end] {
                if words > 0 && !run.is_empty() {
                    self.pipeline
                        .fetch
                        .push((role, words * run.start..words * run.end));
                }
            }
        }
    }

    /// Words per step in the metric ring and in the ring of gradient norms; 0 without the latter.
    fn place_words(&self) -> [usize; 2] {
        let norms = match self.settings.gradient_norm {
            true => PAIR * gradient_parts(&self.network.arena.segments),
            false => 0,
        };
        let sums = self.network.loss_sums(self.settings.batch_size);
        [ENTRY * sums, norms]
    }

    /// Maximum number of words that a submit reads back.
    pub(super) fn fetched_words(&self) -> usize {
        let [metrics, norms] = self.place_words();
        STATUS_WORDS + self.pipeline.submit_steps * (metrics + norms)
    }

    /// Adds the losses of the steps before `end` whose results never arrived to the losses of the epoch. They are still
    /// in the metric ring, which has room for all submits in flight.
    pub(super) async fn count_missed(&mut self, end: u64) -> Result<()> {
        if self.pipeline.anchor.batches == 0 || self.record.counted >= end {
            return Ok(());
        }
        let words = self.place_words()[0];
        let mut missed = Vec::new();
        let mut step = self.record.counted;
        while step < end {
            let place = (step % self.pipeline.table_steps as u64) as usize;
            let most = self
                .pipeline
                .submit_steps
                .min(self.pipeline.table_steps - place);
            let steps = most.min(usize::try_from(end - step).unwrap_or(most));
            let ring = Role::Metrics(Clock::Training);
            let places = words * place..words * (place + steps);
            missed.extend(self.network.executor.read(ring, places).await?);
            step += steps as u64;
        }
        // There is no await from here on, so each step is counted once.
        for (ahead, sums) in missed.chunks_exact(words).enumerate() {
            // Steps of several phases do not accumulate, so the step number determines the phase.
            let phase = (self.record.counted + ahead as u64) % self.phases.len() as u64;
            self.read_losses(phase as usize, sums);
            self.record.losses.merge(&self.pipeline.losses);
        }
        self.record.counted = end;
        Ok(())
    }

    /// Reads the losses of one step of a phase from its metric-ring entry.
    fn read_losses(&mut self, phase: usize, sums: &[u32]) {
        self.pipeline.losses.clear();
        let terms = &self.phases[phase].terms;
        self.pipeline
            .losses
            .add(bytemuck::cast_slice::<u32, f32>(sums), |term| {
                terms.contains(&term)
            });
    }

    /// Step values of the update.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if a value does not fit in `f32`.
    pub(super) fn step_values(&self, turn: Turn) -> Result<StepValues<f32>> {
        let rate = self.applied_rate(turn);
        let optimizer = self.phases[turn.phase].applied.optimizer;
        let values = optimizer.step_values(turn.update + 1, rate);
        let largest = self.care.max_factors[turn.phase].rate;
        if optimizer.is_finite(values, largest) {
            return Ok(values);
        }
        Err(Error::argument(
            "the learning rate that schedule and factors make",
            "finite in f32, with the optimizer's corrections",
            format!("{:e} in update {}", rate * largest, turn.update),
        ))
    }

    /// Waits for the oldest submit in flight, adds the results of its steps, and reports those that are due. If one of
    /// its steps must be repeated with care, later submits are discarded, and the host continues from that step.
    pub(super) async fn collect(
        &mut self,
        totals: &mut Totals,
        due: Due,
        report: &mut impl FnMut(StepReport, &Totals),
    ) -> Result<()> {
        let Some(InFlight {
            ticket,
            first_step,
            turns,
            last_rows,
        }) = self.pipeline.in_flight.pop_front()
        else {
            return Ok(());
        };
        let steps = turns.len();
        let mut words = std::mem::take(&mut self.pipeline.fetched);
        words.clear();
        let copy = |fetched: &[u32]| words.extend_from_slice(fetched);
        self.network.executor.collect(ticket, copy).await?;
        let (step, guard, care) = (words[STEP], words[FIRST_NON_FINITE], words[CARE] != 0);
        // Completed steps: all, or those before the non-finite one.
        let done = match guard {
            ALL_FINITE => steps,
            _ => (step.wrapping_sub(first_step as u32) as usize).min(steps),
        };
        let batch = self.settings.batch_size;
        let [place_words, _] = self.place_words();
        let (metrics, norms) = words[STATUS_WORDS..].split_at(steps * place_words);
        for (ahead, &turn) in turns.iter().enumerate().take(done) {
            let step = first_step + ahead as u64;
            self.read_losses(turn.phase, &metrics[ahead * place_words..][..place_words]);
            totals.steps += 1;
            totals.samples += if ahead + 1 == steps { last_rows } else { batch };
            totals.losses.merge(&self.pipeline.losses);
            if self.pipeline.anchor.batches > 0 {
                self.record.losses.merge(&self.pipeline.losses);
                self.record.counted = step + 1;
            }
            if totals.steps.is_multiple_of(due.every) || step == due.last {
                let last = StepReport {
                    step,
                    loss: self.pipeline.losses.loss(),
                    accuracy: self.pipeline.losses.accuracy(),
                    learning_rate: self.rate_of(turn),
                    gradient_norm: self.gradient_norm(turn, ahead, norms),
                };
                report(last, totals);
            }
        }
        self.pipeline.fetched = words;
        if guard != ALL_FINITE {
            return self
                .stop_at(step, turns[done.min(steps - 1)], guard, care)
                .await;
        }
        self.accumulation
            .before
            .retain(|(step, _)| *step >= first_step + steps as u64);
        if self.pipeline.spare_turns.len() < IN_FLIGHT {
            self.pipeline.spare_turns.push(turns);
        }
        Ok(())
    }

    /// Gradient norm of the submit's step `ahead`, if requested. Steps without an update have none.
    fn gradient_norm(&self, turn: Turn, ahead: usize, norms: &[u32]) -> Option<f64> {
        let updates = self.settings.gradient_norm && turn.updates;
        updates.then(|| {
            let parts = gradient_parts(&self.network.arena.segments);
            let pairs = &norms[PAIR * ahead * parts..][..PAIR * parts];
            norm::<f32>(bytemuck::cast_slice(pairs))
        })
    }

    /// Resynchronises the host after a step that was not finite or needs care; nothing has changed since that step.
    /// Returns an error if the step was careful already, or if care cannot help.
    async fn stop_at(&mut self, step: u32, turn: Turn, guard: u32, care: bool) -> Result<()> {
        while let Some(late) = self.pipeline.in_flight.pop_front() {
            self.network.executor.collect(late.ticket, |_| ()).await?;
        }
        let careful = self.is_careful(self.step_of(step), turn);
        self.resume_from(step, care)?;
        if guard != LOSS_ID && !careful {
            self.take_care();
            return Ok(());
        }
        let guards = &self.step_plan.guards[turn.phase];
        self.network.check_guard(guard, guards, self.cursor.step)
    }
}
