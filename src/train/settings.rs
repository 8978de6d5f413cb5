//! The settings of a trainer.

use super::phase::Phase;
use crate::{
    Adam, Augmentation, Clip, Error, Loss, Optimizer, ParameterGroup, ReduceOnPlateau, Result,
    Schedule,
};

/// See [`TrainerBuilder`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    /// The loss of the network's output, and whether it is compared with the input; none: the graph's terms.
    pub(super) loss: Option<(Loss, bool)>,
    /// None: Adam, or those of the phases.
    pub(super) optimizer: Option<Optimizer>,
    pub(super) schedule: Schedule,
    pub(super) plateau: Option<ReduceOnPlateau>,
    pub(super) batch_size: usize,
    pub(super) steps_per_submit: usize,
    pub(super) shuffle: bool,
    pub(super) seed: u64,
    pub(super) augment: Option<Augmentation>,
    pub(super) gradient_norm: bool,
    /// Micro-batches whose gradients make one update.
    pub(super) accumulate: usize,
    /// Samples in a batch of evaluation; none: as many as take little memory.
    pub(super) evaluation_batch_size: Option<usize>,
    /// Steps between two calls of the progress callback; none: the steps of a submit, as set.
    pub(super) progress_every: Option<u64>,
    /// Whether an epoch leaves out its last batch where that is not whole.
    pub(super) drop_last: bool,
    /// Bytes of a data set that may lie on the device.
    pub(super) data_budget: u64,
    pub(super) clip: Option<Clip>,
    pub(super) groups: Vec<ParameterGroup>,
    /// Decay of the moving average of the weights.
    pub(super) average: Option<f64>,
    /// None: one phase of everything.
    pub(super) phases: Vec<Phase>,
}

impl Settings {
    /// The phases, of which there is at least one.
    pub(super) fn described_phases(&self) -> Result<Vec<Phase>> {
        match self.optimizer {
            Some(optimizer) if self.phases.is_empty() => Ok(vec![Phase::new(optimizer)]),
            None if self.phases.is_empty() => Ok(vec![Phase::new(Adam::new(1e-3))]),
            None => Ok(self.phases.clone()),
            Some(optimizer) => Err(Error::argument(
                "the optimizer of a trainer with phases",
                "given to each phase, and not to the trainer",
                format!("{} for the trainer", optimizer.name()),
            )),
        }
    }
}
