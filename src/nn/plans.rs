//! The plans that a network has ready: a bounded number, those that were not used for longest are forgotten first.

use crate::executor::PlanId;
use crate::graph::Supervision;
use crate::plan::{GatherSource, Plan};
use std::sync::Arc;

/// What tells the plans of a network apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PlanKey {
    pub(crate) purpose: Purpose,
    pub(crate) batch: usize,
    pub(crate) supervision: Supervision,
    pub(crate) gather: Option<GatherSource>,
}

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Predict,
    Differentiate,
    /// Mean and variance of the batch at every batch normalisation.
    Statistics,
    /// The network's trainer makes these plans.
    Train {
        phase: usize,
        /// Whether it is the first of the micro-batches that make an update, and whether it is the last.
        opens: bool,
        updates: bool,
        /// Whether the average of the weights begins.
        first: bool,
        inspect: bool,
        /// Whether overflows are looked for before anything is changed.
        careful: bool,
    },
    /// And these.
    Evaluate {
        /// Rows of the largest batch, and batches of a submit: they say where the results lie.
        most: usize,
        batches: usize,
    },
}

impl Purpose {
    pub(super) fn is_of_trainer(self) -> bool {
        matches!(self, Purpose::Train { .. } | Purpose::Evaluate { .. })
    }
}

/// Plans that are kept beside as many as the call with the most plans has.
pub(super) const SPARE: usize = 16;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Plans {
    /// The one that was used last at the end.
    pub(super) entries: Vec<Entry>,
    /// Plans of the call that had the most.
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
    /// The place of a plan. The one looked for is usually among the last.
    pub(super) fn place(&self, key: &PlanKey) -> Option<usize> {
        self.entries.iter().rposition(|entry| entry.key == *key)
    }

    /// Moves these plans to the end.
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
