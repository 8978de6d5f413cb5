//! Requests to executors, and their results.

use crate::plan::{BufferSpec, Plan, Role};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Id of a prepared plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlanId(pub(super) usize);

/// Range of a buffer to read after a run, in elements.
pub(crate) type Fetch = (Role, Range<usize>);

/// Pending results of a submit, collected in the order of the submits.
#[derive(Debug)]
pub(crate) struct Ticket(pub(super) usize);

/// Maximum number of submits with pending results.
pub(crate) const IN_FLIGHT: usize = 3;

/// Maximum number of words per read, which bounds the size of a readback buffer.
pub(crate) const READ_WORDS: usize = 1 << 18;

/// Purpose of a call, for errors.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What<'a> {
    Text(&'a str),
    /// Text around a number. It avoids a string for calls that are not refused.
    Count(&'static str, usize, &'static str),
}

impl Default for What<'_> {
    fn default() -> Self {
        What::Text("")
    }
}

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Text(text) => f.write_str(text),
            What::Count(before, count, after) => write!(f, "{before} {count} {after}"),
        }
    }
}

/// Needs of a call: an executor provides all of them, or changes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needs<'a> {
    pub(crate) what: What<'a>,
    /// Plans to prepare.
    pub(crate) plans: &'a [Arc<Plan>],
    /// Plans that are already prepared, which the call also runs.
    pub(crate) ready: &'a [PlanId],
    /// Buffers in addition to those of the plans.
    pub(crate) buffers: &'a [BufferSpec],
    /// Number of submits with pending results, and the words that each reads back.
    pub(crate) fetches: (usize, usize),
    /// Maximum number of words in a single read after the submits.
    pub(crate) reads: usize,
}
