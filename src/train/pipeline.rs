//! Submits and their results: a few are in flight at a time.

use super::phase::Turn;
use super::run::Totals;
use super::{StepReport, Trainer};
use crate::Result;
use crate::executor::{PlanId, Ticket};
use crate::kernel::loss::ENTRY;
use crate::kernel::update::{ALL_FINITE, ENTRY_WORDS, STATE_VALUES, StepValues};
use crate::plan::{Clock, Role, gradient_parts};

/// A submit whose results are on their way.
#[derive(Debug)]
pub(super) struct InFlight {
    ticket: Ticket,
    first_step: u64,
    steps: usize,
    /// Rows of its last batch; the others are whole.
    last_rows: usize,
}

impl Trainer {
    /// Fills the step table and submits the steps; their results are fetched in the same submit.
    pub(super) fn submit(&mut self, plans: &[PlanId], last_rows: usize) -> Result<()> {
        let batch = self.settings.batch_size;
        self.unsettled = true;
        let mut first = 0;
        // The table is a ring: at most two runs of entries.
        while first < plans.len() {
            let place = ((self.step + first as u64) % self.table_steps as u64) as usize;
            let run = (self.table_steps - place).min(plans.len() - first);
            self.entries.clear();
            for i in first..first + run {
                let begin = self.position * batch;
                let offset = self.training.offset(begin, begin + i * batch);
                let values = self.step_values(self.step + i as u64);
                self.entries.extend(values.entry(offset));
            }
            self.network.executor.write(
                Role::StepTable(Clock::Training),
                ENTRY_WORDS * place,
                &self.entries,
            )?;
            first += run;
        }
        let ticket = self.network.executor.run_and_fetch(plans, &self.fetch)?;
        let steps = plans.len();
        self.in_flight.push_back(InFlight {
            ticket,
            first_step: self.step,
            steps,
            last_rows,
        });
        self.step += steps as u64;
        Ok(())
    }

    /// What changes from step to step, for the update.
    pub(super) fn step_values(&self, step: u64) -> StepValues<f32> {
        let Turn { phase, update, .. } = self.turn(step);
        let optimizer = self.phases[phase].optimizer;
        optimizer.step_values(update + 1, self.learning_rate(step))
    }

    /// Waits for the oldest submit in flight, adds its results, and reports its last step.
    pub(super) async fn collect(
        &mut self,
        totals: &mut Totals,
        report: &mut impl FnMut(StepReport, &Totals),
    ) -> Result<()> {
        let Some(InFlight {
            ticket,
            first_step,
            steps,
            last_rows,
        }) = self.in_flight.pop_front()
        else {
            return Ok(());
        };
        let (table_steps, batch) = (self.table_steps, self.settings.batch_size);
        let place_words = ENTRY * self.network.loss_sums(batch);
        let parts = if self.settings.gradient_norm {
            gradient_parts(&self.network.arena.segments)
        } else {
            0
        };
        let (accumulate, phases) = (self.settings.accumulate, &self.phases);
        let last_step = first_step + steps as u64 - 1;
        let mut last = StepReport {
            step: last_step,
            loss: f64::NAN,
            accuracy: f64::NAN,
            learning_rate: self.learning_rate(last_step),
            gradient_norm: None,
        };
        let guard = self.network.executor.collect(ticket, |words| {
            let (state, words) = words.split_at(STATE_VALUES);
            let (metrics, norms) = words.split_at(table_steps * place_words);
            // Steps from one that was not finite on were not done.
            let done = u64::from(state[0].wrapping_sub(first_step as u32));
            for step in first_step..=last_step {
                let rows = if step == last_step { last_rows } else { batch };
                let place = (step % table_steps as u64) as usize;
                self.losses.clear();
                let sums = &metrics[place * place_words..][..place_words];
                let turn = Turn::of(step, accumulate, phases.len());
                let terms = &phases[turn.phase].terms;
                self.losses
                    .add(bytemuck::cast_slice::<u32, f32>(sums), |term| {
                        terms.contains(&term)
                    });
                totals.steps += 1;
                totals.samples += rows;
                totals.losses.merge(&self.losses);
                if self.anchor.batches > 0 && step - first_step < done {
                    self.epoch_losses.merge(&self.losses);
                }
                (last.loss, last.accuracy) = (self.losses.loss(), self.losses.accuracy());
                // Between updates there is no norm.
                let updates = parts > 0 && turn.micro + 1 == accumulate;
                last.gradient_norm = updates.then(|| {
                    let squares = norms[place * parts..][..parts].iter();
                    let squares = squares.map(|&w| f64::from(f32::from_bits(w)));
                    squares.sum::<f64>().sqrt()
                });
            }
            (state[2], state[0])
        });
        let (guard, step) = guard.await?;
        if guard != ALL_FINITE {
            return self.stop_at(step, guard).await;
        }
        report(last, totals);
        Ok(())
    }

    /// A step was not finite, and nothing has changed since: makes the host agree with the device, and tells the user.
    async fn stop_at(&mut self, step: u32, guard: u32) -> Result<()> {
        while let Some(late) = self.in_flight.pop_front() {
            self.network.executor.collect(late.ticket, |_| ()).await?;
        }
        self.go_on_from(step)?;
        let guards = &self.guards[self.turn(self.step).phase];
        self.network.check_guard(guard, guards, self.step)
    }
}
