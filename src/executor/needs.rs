//! What executors are asked for, and what they give in return.

use crate::plan::{BufferSpec, Plan, Role};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A plan that an executor has made ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlanId(pub(super) usize);

/// What to read after a run: parts of buffers, in elements.
pub(crate) type Fetch = (Role, Range<usize>);

/// Results of a submit that are on their way to the host. Collected in the order of the submits.
#[derive(Debug)]
pub(crate) struct Ticket(pub(super) usize);

/// Submits whose results may be on their way at a time.
pub(crate) const IN_FLIGHT: usize = 3;

/// Words that are read at a time: a buffer to read through need not be larger.
pub(crate) const READ_WORDS: usize = 1 << 18;

/// What errors name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What<'a> {
    Text(&'a str),
    /// Text around a number: most calls are not refused, and need no string.
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

/// All that a call needs: an executor makes room for the whole of it, or changes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needs<'a> {
    pub(crate) what: What<'a>,
    /// Plans to be made ready.
    pub(crate) plans: &'a [Arc<Plan>],
    /// Plans that are ready already, which the call also runs.
    pub(crate) ready: &'a [PlanId],
    /// Buffers beside those of the plans.
    pub(crate) buffers: &'a [BufferSpec],
    /// Submits whose results are on their way at a time, and the words that each fetches.
    pub(crate) fetches: (usize, usize),
    /// The most words that are read after them, one read after the other.
    pub(crate) reads: usize,
}
