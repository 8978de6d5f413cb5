//! Loss and accuracy of the network on a data set.

use super::resident::Order;
use super::run::PlanKey;
use super::{Evaluation, Trainer, sum_metrics};
use crate::Result;
use crate::data::Dataset;
use crate::kernel::update::{ALL_FINITE, StepValues};
use crate::plan::{Clock, Role, Task};

/// Batches in one submit.
pub(super) const BATCHES_PER_SUBMIT: usize = 16;

/// Samples in a batch, unless training takes more at a time.
const LEAST_BATCH: usize = 256;

/// Samples in a batch of evaluation.
pub(super) fn batch(batch_size: usize) -> usize {
    batch_size.max(LEAST_BATCH)
}

impl Trainer {
    /// Mean loss and accuracy on a data set, in its order, without training.
    ///
    /// # Errors
    /// As [`Trainer::epoch_async`].
    pub async fn evaluate_async(&mut self, data: &Dataset) -> Result<Evaluation> {
        self.settle().await?;
        self.check_data(data)?;
        let executor = &mut self.network.executor;
        let source = self.evaluation.load(executor, data, Order::AsGiven)?;
        let task = Task::Evaluate {
            logits: self.network.output,
        };
        let batch = batch(self.settings.batch_size);
        let sums = 2 * self.network.loss_sums(batch);
        let (state, metrics) = (
            Role::State(Clock::Evaluation),
            Role::Metrics(Clock::Evaluation),
        );
        let (mut loss, mut correct) = (0.0, 0);
        for first in (0..data.len()).step_by(batch * BATCHES_PER_SUBMIT) {
            let (mut table, mut plans) = (Vec::new(), Vec::new());
            for offset in (first..data.len()).step_by(batch).take(BATCHES_PER_SUBMIT) {
                table.extend(StepValues::default().entry(offset as u32));
                let batch = batch.min(data.len() - offset);
                plans.push(self.plan_for(PlanKey {
                    task,
                    batch,
                    gather: Some(source),
                })?);
            }
            let executor = &mut self.network.executor;
            executor.write(Role::StepTable(Clock::Evaluation), 0, &table)?;
            executor.write(state, 0, &[0, 0, ALL_FINITE, 0])?;
            let fetch = [(state, 2..3), (metrics, 0..plans.len() * sums)];
            let ticket = executor.run_and_fetch(&plans, &fetch)?;
            let guard = executor.collect(ticket, |words| {
                for step in words[1..].chunks_exact(sums) {
                    let (step_loss, step_correct) = sum_metrics(step);
                    loss += step_loss;
                    correct += step_correct;
                }
                words[0]
            });
            let guard = guard.await?;
            self.network.check_guard(guard, &[], self.step)?;
        }
        let samples = data.len();
        Ok(Evaluation {
            loss: loss / samples as f64,
            accuracy: correct as f64 / samples as f64,
            samples,
        })
    }

    /// [`Trainer::evaluate_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn evaluate(&mut self, data: &Dataset) -> Result<Evaluation> {
        pollster::block_on(self.evaluate_async(data))
    }
}
