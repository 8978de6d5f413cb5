//! The state that a trainer keeps from call to call, in groups.

use super::group::Group;
use super::pace::Pace;
use super::resident::Resident;
use super::steps::Turn;
use crate::Plateau;
use crate::executor::{Fetch, Ticket};
use crate::kernel::Factors;
use crate::nn::Losses;
use crate::plan::{Guarded, Plan};
use std::collections::VecDeque;

/// The place of training: the next step, and where in its epoch it is.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    /// Steps done: the device's counter, once all submits are done.
    pub(super) step: u64,
    pub(super) epoch: u32,
    /// Batches of this epoch that are done.
    pub(super) position: usize,
    /// An epoch, and the samples by which its batches begin later than whole ones would: those of an epoch that was
    /// begun with another batch size.
    pub(super) shifted: (u32, i64),
    /// Samples of the data set that this epoch began with.
    pub(super) samples: usize,
    /// Batches of the epoch under way, or of the last one; 0 for batches of the user's own.
    pub(super) course: usize,
}

/// Where a call began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Anchor {
    pub(super) step: u64,
    pub(super) epoch: u32,
    pub(super) position: usize,
    /// Batches of the epoch; 0 if the call takes its own batches, or if the epoch was ended since.
    pub(super) batches: usize,
}

impl Anchor {
    pub(super) fn at(cursor: &Cursor, batches: usize) -> Self {
        Anchor {
            step: cursor.step,
            epoch: cursor.epoch,
            position: cursor.position,
            batches,
        }
    }

    /// Epoch and position when so many of the batches are done.
    pub(super) fn place(&self, batches: usize) -> (u32, usize) {
        if batches == self.batches {
            (self.epoch.saturating_add(1), 0)
        } else {
            (self.epoch, batches)
        }
    }
}

/// Gradient accumulation: where it stands.
#[derive(Debug, Default)]
pub(super) struct Accumulation {
    /// At the next step.
    pub(super) group: Group,
    /// After the steps that are about to be submitted.
    pub(super) next: Group,
    /// Before each of the steps whose results are on their way.
    pub(super) before: VecDeque<(u64, Group)>,
}

/// The factors of the learning rate that change between calls.
#[derive(Debug)]
pub(super) struct RateFactors {
    pub(super) plateau: Option<Plateau>,
    /// The user's own.
    pub(super) factor: f64,
}

/// The record of the epoch under way, or of the last one.
#[derive(Debug)]
pub(super) struct EpochRecord {
    /// The losses of its steps: a plateau observes them.
    pub(super) losses: Losses,
    /// The step before which `losses` has all steps of the epoch.
    pub(super) counted: u64,
    /// The epoch that a fit is in. If its future is dropped between the epoch's last step and what a fit does at the
    /// end of an epoch, the next fit does that first.
    pub(super) owed: Option<u32>,
}

/// Which steps are careful: see [`crate::kernel::base::guard`].
#[derive(Debug)]
pub(super) struct Care {
    /// Steps before this one are careful.
    pub(super) until: u64,
    /// The network's wild writes that `until` accounts for.
    pub(super) wild_writes: u64,
    /// For each phase, the maximum of each factor over its parameters.
    pub(super) max_factors: Vec<Factors>,
}

/// Submits and their results.
#[derive(Debug)]
pub(super) struct Pipeline {
    /// Where the last call began, to come back to if it stops half-way.
    pub(super) anchor: Anchor,
    /// Whether steps were submitted whose results have not all arrived.
    pub(super) out_of_sync: bool,
    /// The high half of the step counter, as it stands in the device's state.
    pub(super) high: u32,
    /// Entries of the step table and places of the metric ring: a power of two, and at least the steps of all submits
    /// in flight.
    pub(super) table_steps: usize,
    /// Maximum of steps per submit.
    pub(super) submit_steps: usize,
    pub(super) in_flight: VecDeque<InFlight>,
    /// The losses of one step, to be summed up.
    pub(super) losses: Losses,
    /// What a submit reports: the state, and its steps' places in the metric ring and in that of gradient norms.
    pub(super) fetch: Vec<Fetch>,
    /// Entries of the step table on their way to the device.
    pub(super) entries: Vec<u32>,
    /// What a submit has reported.
    pub(super) fetched: Vec<u32>,
    /// Lists of turns that no submit has any more, to be filled again.
    pub(super) spare_turns: Vec<Vec<Turn>>,
}

/// A submit whose results are on their way.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) ticket: Ticket,
    pub(super) first_step: u64,
    pub(super) turns: Vec<Turn>,
    /// Rows of its last batch; the others are whole.
    pub(super) last_rows: usize,
}

/// Which steps of a call are reported: every so many, and the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) every: u64,
    /// The number of the call's last step.
    pub(super) last: u64,
}

/// Data sets on the device, and how evaluation takes its one.
#[derive(Debug)]
pub(super) struct DeviceData {
    pub(super) training: Resident,
    pub(super) evaluation: Resident,
    pub(super) pace: Pace,
}

/// The plan of a step on a whole batch.
#[derive(Debug)]
pub(super) struct StepPlan {
    pub(super) plan: Plan,
    /// Dispatches that gather a batch.
    pub(super) gathers: usize,
    /// For each phase, the tensor of each id of the non-finite guard.
    pub(super) guards: Vec<Vec<Guarded>>,
}
