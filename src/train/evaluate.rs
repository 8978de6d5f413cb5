//! Loss and accuracy of the network on a data set.

use super::resident::Order;
use super::run::PlanKey;
use super::{Evaluation, Trainer, sum_metrics};
use crate::Result;
use crate::data::Dataset;
use crate::kernel::update::{ALL_FINITE, ENTRY_WORDS, StepValues};
use crate::plan::{Clock, Role, Task};

impl Trainer {
    /// Mean loss and accuracy on a data set, in its order, without training.
    ///
    /// # Errors
    /// As [`Trainer::epoch_async`].
    pub async fn evaluate_async(&mut self, data: &Dataset) -> Result<Evaluation> {
        self.check_data(data)?;
        let source = self
            .evaluation
            .load(&mut self.network.executor, data, Order::AsGiven)?;
        let task = Task::Evaluate {
            logits: self.network.output,
        };
        let batch = self.settings.batch_size.min(data.len());
        let group = self.steps_per_submit();
        let batches = data.len().div_ceil(batch);
        let (mut loss, mut correct) = (0.0, 0);
        let mut first = 0;
        while first < batches {
            let count = (batches - first).min(group);
            let mut table = Vec::with_capacity(ENTRY_WORDS * count);
            for i in first..first + count {
                table.extend(StepValues::default().entry((i * batch) as u32));
            }
            let mut plans = Vec::with_capacity(count);
            for i in first..first + count {
                let rows = batch.min(data.len() - i * batch);
                plans.push(self.plan_for(PlanKey {
                    task,
                    batch: rows,
                    gather: Some(source),
                })?);
            }
            let executor = &mut self.network.executor;
            executor.write(Role::StepTable(Clock::Evaluation), 0, &table)?;
            // No update moves the counter on here: the host does, with a submit a batch.
            for (i, plan) in plans.iter().enumerate() {
                executor.write(
                    Role::State(Clock::Evaluation),
                    0,
                    &[i as u32, 0, ALL_FINITE, 0],
                )?;
                executor.run(&[*plan])?;
            }
            let place = 2 * self.settings.batch_size;
            let metrics = executor
                .read(Role::Metrics(Clock::Evaluation), 0..count * place)
                .await?;
            for step in metrics.chunks_exact(place) {
                let (step_loss, step_correct) = sum_metrics(step);
                loss += step_loss;
                correct += step_correct;
            }
            first += count;
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
