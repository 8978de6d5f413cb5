//! Settings of a trainer.

use super::phase::Phase;
use crate::{
    Adam, Augmentation, Clip, Error, Loss, Optimizer, ParameterGroup, ReduceOnPlateau, Result,
    Schedule,
};

/// Settings of a trainer: see [`TrainerBuilder`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    /// Loss of the network's output, and whether its target is the input; `None`: the graph's terms.
    pub(super) loss: Option<(Loss, bool)>,
    /// Optimizer; `None`: Adam, or the optimizers of the phases.
    pub(super) optimizer: Option<Optimizer>,
    pub(super) schedule: Schedule,
    pub(super) plateau: Option<ReduceOnPlateau>,
    pub(super) batch_size: usize,
    pub(super) steps_per_submit: usize,
    pub(super) shuffle: bool,
    pub(super) seed: u64,
    pub(super) augment: Option<Augmentation>,
    pub(super) gradient_norm: bool,
    /// Number of micro-batches per update.
    pub(super) accumulate: usize,
    /// Samples per batch of evaluation; `None`: as many as take little memory.
    pub(super) evaluation_batch_size: Option<usize>,
    /// Steps between two calls of the progress callback; `None`: the steps per submit that were set.
    pub(super) progress_every: Option<u64>,
    /// Whether an epoch leaves out a partial last batch.
    pub(super) drop_last: bool,
    /// Maximum size in bytes of a data set on the device.
    pub(super) data_budget: u64,
    pub(super) clip: Option<Clip>,
    pub(super) groups: Vec<ParameterGroup>,
    /// Decay of the moving average of the weights; `None`: no average.
    pub(super) average: Option<f64>,
    /// Phases; empty: one phase with all terms and parameters.
    pub(super) phases: Vec<Phase>,
}

impl Settings {
    /// Phases, at least one.
    pub(super) fn described_phases(&self) -> Result<Vec<Phase>> {
        match self.optimizer {
            Some(optimizer) if self.phases.is_empty() => Ok(vec![Phase::new(optimizer)]),
            None if self.phases.is_empty() => Ok(vec![Phase::new(Adam::new(1e-3))]),
            None => Ok(self.phases.clone()),
            Some(optimizer) => Err(Error::argument(
                "the optimizer of a trainer with phases",
                "set on each phase instead of the trainer",
                format!("{} for the trainer", optimizer.name()),
            )),
        }
    }
}
