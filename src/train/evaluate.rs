//! Evaluation: loss and accuracy of the network on a data set.

use super::order::Order;
use super::pace::Pace;
use super::resident::Room;
use super::state_buffers::zero_states;
use super::{Evaluation, TermReport, Trainer};
use crate::data::Dataset;
use crate::executor::What;
use crate::graph::{Supervision, Term};
use crate::kernel::base::state::{FIRST_NON_FINITE, state_at};
use crate::kernel::loss::ENTRY;
use crate::kernel::update::StepValues;
use crate::nn::{Losses, PlanKey, Purpose};
use crate::plan::{Clock, Role};
use crate::{Error, Result};
use std::sync::Arc;

impl Trainer {
    /// Computes loss and accuracy on a data set, in its order, without training. The samples come in batches of
    /// [`evaluation_batch_size`](crate::TrainerBuilder::evaluation_batch_size), which changes the loss by rounding
    /// only. A data set over the [`data_budget`](crate::TrainerBuilder::data_budget), or too large for the free memory,
    /// is streamed.
    ///
    /// If the network carries a state ([`Graph::carry`](crate::Graph::carry)), the batches have the size of training's by
    /// default, and the state starts at 0.
    ///
    /// If the loss of a sample depends on other samples (other than through batch normalisation), all samples form one
    /// batch.
    ///
    /// # Errors
    /// Those of [`Trainer::epoch_async`]; and [`Argument`](Error::Argument) if all samples must form one batch, but the
    /// evaluation batch size that was set is smaller.
    pub async fn evaluate_async(&mut self, data: &Dataset) -> Result<Evaluation> {
        self.resync().await?;
        let (data, supervision) = &self.check_data(data)?;
        let supervision = *supervision;
        let network = &self.network;
        let values = network.terms.iter().flat_map(Term::values);
        let mixes_rows = network.graph.mixes_rows(values);
        if mixes_rows && !network.graph.carried.is_empty() {
            return Err(Error::argument(
                "the evaluation of a network that carries a state",
                "a loss of each sample on its own",
                "a loss that depends on other samples",
            ));
        }
        if mixes_rows {
            match self.settings.evaluation_batch_size {
                Some(most) if most < data.len() => {
                    return Err(Error::argument(
                        "the evaluation batch size",
                        format!(
                            "at least {}, all samples of the data set, since the loss of one depends on the others",
                            data.len()
                        ),
                        most,
                    ));
                }
                _ => network.check_batch_size(data.len())?,
            }
            let whole = Pace {
                batch: data.len(),
                batches: 1,
            };
            return self
                .evaluate_at(data, supervision, whole, self.settings.data_budget)
                .await;
        }
        let (mark, reclaims) = (
            self.network.executor.mark(),
            self.network.executor.reclaims(),
        );
        let evaluation = self.evaluate_in_batches(data, supervision).await;
        if self.network.executor.reclaims() != reclaims {
            // Memory is short, so training gets back the memory that it had.
            self.network.executor.undo(&mark);
        }
        evaluation
    }

    /// Evaluates with the trainer's batches, or with the least possible memory.
    async fn evaluate_in_batches(
        &mut self,
        data: &Dataset,
        supervision: Supervision,
    ) -> Result<Evaluation> {
        let pace = self.data.pace;
        let resident = self.evaluate_at(data, supervision, pace, self.settings.data_budget);
        match resident.await {
            Err(refused @ Error::OutOfMemory { .. }) => {
                // The least possible memory: one batch per submit, no larger than a training batch.
                let batch = match self.network.graph.carried.is_empty() {
                    true => pace.batch.min(self.settings.batch_size),
                    false => pace.batch,
                };
                let smallest = Pace { batch, batches: 1 };
                let streamed = self.evaluate_at(data, supervision, smallest, 0).await;
                streamed.map_err(|error| match error {
                    Error::OutOfMemory { .. } => refused,
                    other => other,
                })
            }
            evaluated => evaluated,
        }
    }

    /// Evaluates in batches of this size, streaming a data set of more bytes than the budget.
    async fn evaluate_at(
        &mut self,
        data: &Dataset,
        supervision: Supervision,
        Pace { batch, batches }: Pace,
        budget: u64,
    ) -> Result<Evaluation> {
        // A batch is no larger than the data set.
        let batch = batch.min(data.len());
        let batches = batches.min(data.len().div_ceil(batch));
        let room = Room {
            budget,
            ..self.room(batch, batches)
        };
        let placement = room.place(data);
        let batches = placement.batches;
        let source = Arc::new(placement.source(data, &self.network));
        let key = |rows| PlanKey {
            purpose: Purpose::Evaluate {
                most: batch,
                batches,
            },
            batch: rows,
            supervision,
            gather: Some(Arc::clone(&source)),
        };
        let keys = [batch, data.len() % batch];
        let keys = keys.into_iter().filter(|&rows| rows > 0).map(key);
        let buffers = self.data.evaluation.buffers(data, placement);
        let what = What::Count("evaluation of", data.len(), "samples");
        let place_words = ENTRY * self.network.loss_sums(batch);
        let words = 1 + batches * place_words;
        let samples = batch.saturating_mul(batches);
        let submits = data.len().div_ceil(samples);
        self.prepare(what, &keys.collect::<Vec<_>>(), &buffers, (submits, words))?;
        let order = Order::of(&self.network, batch, None);
        let executor = &mut self.network.executor;
        self.data
            .evaluation
            .load(executor, data, order, placement)?;
        zero_states(&mut self.network, batch, Clock::Evaluation)?;
        let mut losses = Losses::new(&self.network, batch);
        let (state, metrics) = (
            Role::State(Clock::Evaluation),
            Role::Metrics(Clock::Evaluation),
        );
        for first in (0..data.len()).step_by(samples) {
            let (mut table, mut plans) = (Vec::new(), Vec::new());
            for offset in (first..data.len()).step_by(batch).take(batches) {
                let place = self.data.evaluation.offset(first, offset);
                table.extend(StepValues::default().entry(place));
                let rows = batch.min(data.len() - offset);
                plans.push(self.network.ready(&key(rows)).0);
            }
            let executor = &mut self.network.executor;
            self.data.evaluation.bring(executor, data, first, samples)?;
            executor.write(Role::StepTable(Clock::Evaluation), 0, &table)?;
            // The step number continues from submit to submit, so that random numbers differ. It is a multiple of the
            // metric ring's length.
            executor.write(state, 0, &state_at((first / batch) as u64))?;
            let fetch = [
                (state, FIRST_NON_FINITE..FIRST_NON_FINITE + 1),
                (metrics, 0..plans.len() * place_words),
            ];
            let ticket = executor.run_and_fetch(&plans, &fetch)?;
            let guard = executor.collect(ticket, |words| {
                for place in words[1..].chunks_exact(place_words) {
                    losses.add(bytemuck::cast_slice::<u32, f32>(place), |_| true);
                }
                words[0]
            });
            let guard = guard.await?;
            self.network
                .check_guard(guard, &[], Error::OUTSIDE_TRAINING)?;
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

    /// Blocking form of [`Trainer::evaluate_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn evaluate(&mut self, data: &Dataset) -> Result<Evaluation> {
        pollster::block_on(self.evaluate_async(data))
    }
}
