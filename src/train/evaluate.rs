//! Loss and accuracy of the network on a data set.

use super::resident::Order;
use super::run::{PlanKey, Purpose};
use super::{Evaluation, TermReport, Trainer};
use crate::Result;
use crate::data::Dataset;
use crate::graph::Term;
use crate::kernel::loss::ENTRY;
use crate::kernel::update::{StepValues, state_at};
use crate::nn::Losses;
use crate::plan::{Clock, Role};

/// Batches in one submit.
pub(super) const BATCHES_PER_SUBMIT: usize = 16;

/// Samples in a batch, unless training takes more at a time.
const LEAST_BATCH: usize = 256;

/// Samples in a batch of evaluation.
pub(super) fn batch(batch_size: usize) -> usize {
    batch_size.max(LEAST_BATCH)
}

impl Trainer {
    /// Loss and accuracy on a data set, in its order, without training.
    ///
    /// # Errors
    /// As [`Trainer::epoch_async`].
    pub async fn evaluate_async(&mut self, data: &Dataset) -> Result<Evaluation> {
        self.settle().await?;
        self.check_data(data)?;
        let batch = batch(self.settings.batch_size);
        let room = self.room(batch * BATCHES_PER_SUBMIT);
        let executor = &mut self.network.executor;
        let source = self.evaluation.load(executor, data, Order::AsGiven, room)?;
        let supervision =
            self.network
                .check_supervision("data set", data.classes() > 0, source.target_cols)?;
        let place_words = ENTRY * self.network.loss_sums(batch);
        let mut losses = Losses::new(&self.network, batch);
        let (state, metrics) = (
            Role::State(Clock::Evaluation),
            Role::Metrics(Clock::Evaluation),
        );
        for first in (0..data.len()).step_by(batch * BATCHES_PER_SUBMIT) {
            let (mut table, mut plans) = (Vec::new(), Vec::new());
            for offset in (first..data.len()).step_by(batch).take(BATCHES_PER_SUBMIT) {
                let place = self.evaluation.offset(first, offset);
                table.extend(StepValues::default().entry(place));
                let batch = batch.min(data.len() - offset);
                plans.push(self.plan_for(PlanKey {
                    purpose: Purpose::Evaluate,
                    batch,
                    supervision,
                    gather: Some(source),
                })?);
            }
            let executor = &mut self.network.executor;
            self.evaluation
                .bring(executor, data, first, batch * BATCHES_PER_SUBMIT)?;
            executor.write(Role::StepTable(Clock::Evaluation), 0, &table)?;
            // Counted on from submit to submit, so that random numbers differ. It is a multiple of the ring's places.
            executor.write(state, 0, &state_at((first / batch) as u32))?;
            let fetch = [(state, 2..3), (metrics, 0..plans.len() * place_words)];
            let ticket = executor.run_and_fetch(&plans, &fetch)?;
            let guard = executor.collect(ticket, |words| {
                for place in words[1..].chunks_exact(place_words) {
                    losses.add(bytemuck::cast_slice::<u32, f32>(place), |_| true);
                }
                words[0]
            });
            let guard = guard.await?;
            self.network.check_guard(guard, &[], self.step)?;
        }
        Ok(Evaluation {
            loss: losses.loss(),
            terms: self.term_reports(&losses),
            accuracy: losses.accuracy(),
            samples: data.len(),
        })
    }

    /// The terms of a loss with their names.
    pub(super) fn term_reports(&self, losses: &Losses) -> Vec<TermReport> {
        let report = |(number, term): (usize, &Term)| TermReport {
            name: term.name.clone(),
            loss: losses.term(number),
        };
        self.network.terms.iter().enumerate().map(report).collect()
    }

    /// [`Trainer::evaluate_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn evaluate(&mut self, data: &Dataset) -> Result<Evaluation> {
        pollster::block_on(self.evaluate_async(data))
    }
}
