//! The memory of a fit's rules.

use super::rules::{EarlyStopping, StopRule};
use crate::nn::Entry;

/// The memory of a fit's rules.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) stopping: Option<Stopping>,
    /// Stop rule that `held` belongs to.
    pub(super) stop_rule: Option<StopRule>,
    /// Number of consecutive checks that held.
    pub(super) held: u32,
    /// Pending check: its step was submitted, and its result is not counted yet.
    pub(super) check: Option<Check>,
}

/// Inspected step of a stop rule's check. Its measures stay on the device until the next inspected step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    /// Number of the step.
    pub(super) step: u64,
    pub(super) phase: usize,
    /// Number of samples in its batch.
    pub(super) rows: usize,
}

/// State of early stopping.
#[derive(Debug)]
pub(super) struct Stopping {
    pub(super) rule: EarlyStopping,
    /// Number of epochs since the best.
    pub(super) waited: u32,
    pub(super) best: Option<Best>,
    /// End of a call: the step, and the last weights, from which the next call continues. (The network has the best
    /// weights.)
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

    /// Number of epochs since the best.
    pub(super) fn waited(&self) -> u32 {
        self.stopping.as_ref().map_or(0, |stopping| stopping.waited)
    }
}
