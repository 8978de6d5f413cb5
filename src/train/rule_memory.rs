//! The memory of a fit's rules.

use super::rules::{EarlyStopping, StopRule};
use crate::nn::Entry;

/// The memory of a fit's rules.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) stopping: Option<Stopping>,
    /// The stop rule that `held` is of.
    pub(super) stop_rule: Option<StopRule>,
    /// Its checks in a row that held.
    pub(super) held: u32,
    /// The check under way: its step was submitted, and its result is not counted yet.
    pub(super) check: Option<Check>,
}

/// The inspected step of a stop rule's check. Its measures stay on the device until the next inspected step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    /// The step's number.
    pub(super) step: u64,
    pub(super) phase: usize,
    /// Samples of its batch.
    pub(super) rows: usize,
}

/// What early stopping remembers.
#[derive(Debug)]
pub(super) struct Stopping {
    pub(super) rule: EarlyStopping,
    /// Epochs since the best.
    pub(super) waited: u32,
    pub(super) best: Option<Best>,
    /// Where a call has ended: the step, and the weights that it would have gone on from, since the network has the
    /// best.
    pub(super) ended: Option<(u64, Vec<Entry>)>,
}

/// The best epoch so far.
#[derive(Debug)]
pub(super) struct Best {
    pub(super) score: f64,
    pub(super) epoch: u32,
    /// Its weights and running statistics.
    pub(super) entries: Vec<Entry>,
}

impl Memory {
    pub(super) fn best_epoch(&self) -> Option<u32> {
        let best = self.stopping.as_ref()?.best.as_ref()?;
        Some(best.epoch)
    }

    /// Epochs since the best.
    pub(super) fn waited(&self) -> u32 {
        self.stopping.as_ref().map_or(0, |stopping| stopping.waited)
    }
}
