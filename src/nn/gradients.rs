//! The loss of a batch and its gradient, without training.

use super::Network;
use crate::Result;
use crate::kernel::update::ALL_FINITE;
use crate::plan::{Clock, Role, Task};

/// What [`Network::gradients`] gives.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Gradients {
    /// The mean loss over the batch.
    pub loss: f32,
    /// Rows whose first greatest logit is the label's.
    pub correct: usize,
    /// For each parameter its name and the gradient of the mean loss, row by row.
    pub gradients: Vec<(String, Vec<f32>)>,
}

impl Network {
    /// The softmax cross-entropy of a batch and its gradient with respect to every parameter, which stay as they are.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) unless there is one label for each of at least one sample; [`Label`](crate::Error::Label),
    /// [`NonFiniteData`](crate::Error::NonFiniteData) for bad data; [`NonFinite`](crate::Error::NonFinite) if the loss or a gradient
    /// is not finite.
    pub async fn gradients_async(&mut self, x: &[f32], labels: &[u32]) -> Result<Gradients> {
        let rows = self.batch_rows("gradients", x, labels)?;
        let id = self.plan(
            rows,
            Task::Differentiate {
                logits: self.output,
            },
        )?;
        self.write_input(x, rows)?;
        self.executor.write(Role::Labels, 0, labels)?;
        self.executor
            .write(Role::State(Clock::Evaluation), 0, &[0, 0, ALL_FINITE, 0])?;
        let metrics = Role::Metrics(Clock::Evaluation);
        let sums = 2 * self.loss_sums(rows);
        let fetch = [(metrics, 0..sums), (Role::State(Clock::Evaluation), 2..3)];
        let ticket = self.executor.run_and_fetch(&[id], &fetch)?;
        let (loss, correct, guard) = self
            .executor
            .collect(ticket, |words| {
                let (loss, correct) = crate::train::sum_metrics(&words[..sums]);
                (loss, correct, words[sums])
            })
            .await?;
        let guards = &self.plans[&(rows, true)].1.guards;
        self.check_guard(guard, guards, 0)?;
        let mut gradients = Vec::new();
        for number in 0..self.graph.parameters.len() {
            let name = self.graph.parameters[number].name.clone();
            gradients.push((name, self.read_arena(Role::Gradients, 0, number).await?));
        }
        Ok(Gradients {
            loss: (loss / rows as f64) as f32,
            correct,
            gradients,
        })
    }

    /// [`Network::gradients_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn gradients(&mut self, x: &[f32], labels: &[u32]) -> Result<Gradients> {
        pollster::block_on(self.gradients_async(x, labels))
    }
}
