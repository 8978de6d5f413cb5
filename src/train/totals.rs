//! Sums over the steps of a call, and their report.

use super::{EpochReport, Trainer};
use crate::nn::Losses;
use crate::time::Instant;

/// Sums over the steps of a call.
#[derive(Clone, Debug)]
pub(super) struct Totals {
    pub(super) steps: u64,
    pub(super) samples: usize,
    pub(super) losses: Losses,
}

impl Totals {
    pub(super) fn new(trainer: &Trainer) -> Self {
        Totals {
            steps: 0,
            samples: 0,
            losses: Losses::new(&trainer.network, trainer.settings.batch_size),
        }
    }

    pub(super) fn report(&self, trainer: &Trainer, epoch: u32, start: Instant) -> EpochReport {
        EpochReport {
            epoch,
            steps: self.steps,
            samples: self.samples,
            loss: self.losses.loss(),
            terms: trainer.term_reports(&self.losses),
            accuracy: self.losses.accuracy(),
            seconds: start.elapsed().as_secs_f64(),
        }
    }
}
