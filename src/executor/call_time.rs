//! Calls that were timed.

use crate::device::Timestamps;
use crate::kernel::Compute;
use crate::plan::{Call, Plan};
use std::sync::Arc;
use wgpu::SubmissionIndex;

/// A profiled call of a plan.
#[derive(Clone, Debug)]
pub(crate) struct CallTime {
    pub(crate) label: String,
    pub(crate) bytes: u64,
    pub(crate) flops: u64,
    /// Begin and end in seconds since a fixed moment.
    pub(crate) begin: f64,
    pub(crate) end: f64,
}

impl CallTime {
    pub(crate) fn new(call: &Call, begin: f64, end: f64) -> Self {
        CallTime {
            label: call.kernel.label(),
            bytes: call.bytes(),
            flops: call.kernel.flops(),
            begin,
            end,
        }
    }
}

/// The submits of a running profile, with the plans that they ran.
pub(super) type Submits = Vec<(Vec<Arc<Plan>>, Timestamps, SubmissionIndex)>;
