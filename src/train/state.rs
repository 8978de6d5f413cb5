//! State of a trainer between calls, in groups of fields.

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

/// Position of training: the next step, and its place in the epoch.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    /// Number of completed steps; equal to the device's counter when no submit is pending.
    pub(super) step: u64,
    pub(super) epoch: u32,
    /// Number of completed batches of this epoch.
    pub(super) position: usize,
    /// An epoch, and the offset in samples of its batches from multiples of the batch size. It is nonzero if the epoch
    /// began with another batch size.
    pub(super) shifted: (u32, i64),
    /// Number of samples in the data set that this epoch began with.
    pub(super) samples: usize,
    /// Number of batches in the current or last epoch; 0 for batches of the user's.
    pub(super) course: usize,
}

/// Position at the start of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Anchor {
    pub(super) step: u64,
    pub(super) epoch: u32,
    pub(super) position: usize,
    /// Number of batches in the epoch; 0 for batches of the user's, or if the epoch was ended since.
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

    /// Epoch and position after `batches` batches.
    pub(super) fn place(&self, batches: usize) -> (u32, usize) {
        if batches == self.batches {
            (self.epoch.saturating_add(1), 0)
        } else {
            (self.epoch, batches)
        }
    }
}

/// State of gradient accumulation.
#[derive(Debug, Default)]
pub(super) struct Accumulation {
    /// State before the next step.
    pub(super) group: Group,
    /// State after the steps that are about to be submitted.
    pub(super) next: Group,
    /// State before each step whose results are pending.
    pub(super) before: VecDeque<(u64, Group)>,
}

/// Factors of the learning rate that change between calls.
#[derive(Debug)]
pub(super) struct RateFactors {
    pub(super) plateau: Option<Plateau>,
    /// Factor set by the user.
    pub(super) factor: f64,
}

/// Record of the current or last epoch.
#[derive(Debug)]
pub(super) struct EpochRecord {
    /// Losses of its steps, which a plateau observes.
    pub(super) losses: Losses,
    /// `losses` includes all steps of the epoch before this one.
    pub(super) counted: u64,
    /// Epoch of a fit that has not been ended. If the future is dropped between the last step and the end of the epoch,
    /// the next fit ends it first.
    pub(super) owed: Option<u32>,
}

/// Which steps are careful: see [`crate::kernel::base::guard`].
#[derive(Debug)]
pub(super) struct Care {
    /// Steps before this one are careful.
    pub(super) until: u64,
    /// Number of the network's wild writes that `until` accounts for.
    pub(super) wild_writes: u64,
    /// For each phase, the maximum of each factor over its parameters.
    pub(super) max_factors: Vec<Factors>,
}

/// Submits and their results.
#[derive(Debug)]
pub(super) struct Pipeline {
    /// Position at the start of the last call, for a resync after an interruption.
    pub(super) anchor: Anchor,
    /// Whether results of submitted steps are pending.
    pub(super) out_of_sync: bool,
    /// High half of the step counter in the device's state.
    pub(super) high: u32,
    /// Length of the step table and the metric ring: a power of two, and at least the number of steps in all submits in
    /// flight.
    pub(super) table_steps: usize,
    /// Maximum number of steps per submit.
    pub(super) submit_steps: usize,
    pub(super) in_flight: VecDeque<InFlight>,
    /// Losses of one step, before they are added up.
    pub(super) losses: Losses,
    /// Ranges that a submit reads back: the state, and its steps' entries in the metric ring and in the ring of
    /// gradient norms.
    pub(super) fetch: Vec<Fetch>,
    /// Step-table entries to be written.
    pub(super) entries: Vec<u32>,
    /// Words that a submit has read back.
    pub(super) fetched: Vec<u32>,
    /// Unused lists of turns, kept for reuse.
    pub(super) spare_turns: Vec<Vec<Turn>>,
}

/// A submit whose results are pending.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) ticket: Ticket,
    pub(super) first_step: u64,
    pub(super) turns: Vec<Turn>,
    /// Rows of its last batch; the others are full.
    pub(super) last_rows: usize,
}

/// Steps of a call to report: every n-th, and the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) every: u64,
    /// The number of the call's last step.
    pub(super) last: u64,
}

/// Data sets on the device, and the batches of evaluation.
#[derive(Debug)]
pub(super) struct DeviceData {
    pub(super) training: Resident,
    pub(super) evaluation: Resident,
    pub(super) pace: Pace,
}

/// The plan of a step on a full batch.
#[derive(Debug)]
pub(super) struct StepPlan {
    pub(super) plan: Plan,
    /// Number of dispatches that gather a batch.
    pub(super) gathers: usize,
    /// For each phase, the tensors by guard id.
    pub(super) guards: Vec<Vec<Guarded>>,
}
