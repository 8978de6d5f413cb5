//! Cache of a network's plans: bounded in size, least recently used first out.

use crate::executor::PlanId;
use crate::graph::Supervision;
use crate::plan::{GatherSource, Plan};
use std::sync::Arc;

/// Key of a plan in the cache.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PlanKey {
    pub(crate) purpose: Purpose,
    pub(crate) batch: usize,
    pub(crate) supervision: Supervision,
    pub(crate) gather: Option<Arc<GatherSource>>,
}

/// Purpose of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Predict,
    Differentiate,
    /// The gradient of the inputs, from a gradient of the output.
    Jacobian,
    /// Mean and variance of the batch at every batch normalisation.
    Statistics,
    /// A training step; the network's trainer lowers it.
    Train {
        phase: usize,
        /// Whether it is the first micro-batch of an update (`opens`), and whether it is the last.
        opens: bool,
        updates: bool,
        /// Whether the average of the weights begins.
        first: bool,
        inspect: bool,
        /// Whether it tests for overflow before any change.
        careful: bool,
    },
    /// An evaluation; the network's trainer lowers it.
    Evaluate {
        /// Rows of the largest batch, and batches per submit, which determine the place of the results.
        most: usize,
        batches: usize,
    },
}

impl Purpose {
    pub(super) fn is_of_trainer(self) -> bool {
        matches!(self, Purpose::Train { .. } | Purpose::Evaluate { .. })
    }
}

/// Number of plans that are kept in addition to those of the call with the most plans.
pub(super) const SPARE: usize = 16;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Plans {
    /// In order of use, the most recent last.
    pub(super) entries: Vec<Entry>,
    /// Number of plans of the call with the most.
    pub(super) most: usize,
}

/// A plan that is ready.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: PlanKey,
    pub(super) id: PlanId,
    pub(super) plan: Arc<Plan>,
}

impl Plans {
    /// Index of a plan in `entries`. The search starts at the end, where it usually is.
    pub(super) fn place(&self, key: &PlanKey) -> Option<usize> {
        self.entries.iter().rposition(|entry| entry.key == *key)
    }

    /// Marks these plans as most recently used.
    pub(super) fn touch(&mut self, keys: &[PlanKey]) {
        for key in keys {
            if let Some(place) = self.place(key) {
                self.entries[place..].rotate_left(1);
            }
        }
    }

    /// A plan that is ready.
    pub(super) fn ready(&self, key: &PlanKey) -> (PlanId, Arc<Plan>) {
        let place = self.place(key);
        let place = place.unwrap_or_else(|| unreachable!("the plans of a call are prepared"));
        let entry = &self.entries[place];
        (entry.id, Arc::clone(&entry.plan))
    }
}
