//! Loss of a batch and its gradients, without training.

use super::{Inputs, Losses, Network, PlanKey, Purpose};
use crate::data::Targets;
use crate::executor::{Needs, What};
use crate::kernel::base::state::state_at;
use crate::kernel::loss::ENTRY;
use crate::plan::{Clock, Guarded, Role};
use crate::{Error, Result};

/// Result of [`Network::gradients`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Gradients {
    /// Loss of the batch.
    pub loss: f32,
    /// Number of rows whose first maximal output is that of the label; 0 without labels.
    pub correct: usize,
    /// Name of each parameter and the gradient of the loss with respect to it, in row-major order.
    pub gradients: Vec<(String, Vec<f32>)>,
}

impl Network {
    /// Computes the loss of a batch and its gradient with respect to every parameter, without changing the network. The
    /// loss is that of the network's last trainer, the terms of its graph, or softmax cross-entropy. The computation is
    /// that of training: with dropout, and with the batch's statistics in batch normalisation. Running statistics do
    /// not change.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if the batch is empty, or a sample lacks the labels or target values that the
    /// losses need; [`Label`](crate::Error::Label), [`NonFiniteData`](crate::Error::NonFiniteData) for bad data;
    /// [`NonFinite`](crate::Error::NonFinite) if the loss or a gradient is not finite.
    pub async fn gradients_async<'a>(
        &mut self,
        x: impl Into<Inputs<'a>>,
        targets: impl Into<Targets<'a>>,
    ) -> Result<Gradients> {
        let targets = targets.into();
        let (samples, supervision) = self.check_batch("gradients", x, targets)?;
        let rows = samples.rows;
        let key = PlanKey {
            purpose: Purpose::Differentiate,
            batch: rows,
            supervision,
            gather: None,
        };
        let words = ENTRY * self.loss_sums(rows);
        let needs = Needs {
            what: What::Count("the gradients of", rows, "samples"),
            buffers: &self.batch_buffers(rows, targets),
            fetches: (1, words + 1),
            reads: self.read_words(),
            ..Needs::default()
        };
        self.prepare(needs, std::slice::from_ref(&key), Network::lower_own)?;
        let (id, plan) = self.ready(&key);
        self.write_input(&samples, rows)?;
        self.write_targets(targets, rows)?;
        self.executor
            .write(Role::State(Clock::Evaluation), 0, &state_at(0))?;
        let (metrics, state) = (
            Role::Metrics(Clock::Evaluation),
            Role::State(Clock::Evaluation),
        );
        let fetch = [(metrics, 0..words), (state, 2..3)];
        let ticket = self.executor.run_and_fetch(&[id], &fetch)?;
        let mut totals = Losses::new(self, rows);
        let guard = self
            .executor
            .collect(ticket, |fetched| {
                totals.add(bytemuck::cast_slice::<u32, f32>(&fetched[..words]), |_| {
                    true
                });
                fetched[words]
            })
            .await?;
        let guards = &plan.guards;
        self.check_guard(guard, guards, Error::OUTSIDE_TRAINING)?;
        let mut gradients = Vec::new();
        for number in 0..self.graph.parameters.len() {
            let parameter = &self.graph.parameters[number];
            let (name, shape) = (parameter.name.clone(), parameter.shape);
            // If the loss does not depend on the parameter, its gradient was not written.
            let values = if guards.contains(&Guarded::Gradient(number)) {
                self.read_arena(Role::Derivatives, 0, number).await?
            } else {
                vec![0.0; shape.rows * shape.cols]
            };
            gradients.push((name, values));
        }
        Ok(Gradients {
            loss: totals.loss() as f32,
            correct: totals.correct(),
            gradients,
        })
    }

    /// Blocking form of [`Network::gradients_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn gradients<'a>(
        &mut self,
        x: impl Into<Inputs<'a>>,
        targets: impl Into<Targets<'a>>,
    ) -> Result<Gradients> {
        pollster::block_on(self.gradients_async(x, targets))
    }
}
