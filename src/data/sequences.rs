//! Sequences whose windows are the samples of a data set.

use super::{Dataset, next_id};
use crate::{Error, Result};

impl Dataset {
    /// The same samples as windows of sequences, whose state is carried from window to window
    /// ([`Graph::carry`](crate::Graph::carry)): the first `windows[0]` samples are the windows of the first sequence, in
    /// their order, the next `windows[1]` those of the second, and so on. Without this call all samples are windows of
    /// one sequence.
    ///
    /// A sequence of T steps of D features lies in memory as its windows do, [T/W, W, D], so cutting it copies nothing. A
    /// rest of fewer steps than W is padded, and has a [length](Dataset::with_lengths).
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) unless every sequence has at least one window, and they have as many together as
    /// there are samples.
    pub fn with_sequences(self, windows: Vec<usize>) -> Result<Self> {
        let sum = windows
            .iter()
            .try_fold(0usize, |sum, &n| sum.checked_add(n));
        if sum != Some(self.len) || windows.contains(&0) {
            return Err(Error::argument(
                "the windows of the sequences of a data set",
                format!("at least 1 each, and {} together, all samples", self.len),
                format!("{windows:?}"),
            ));
        }
        Ok(Dataset {
            sequences: windows.into(),
            id: next_id(),
            ..self
        })
    }

    /// For each sample a word that is not 0 if it starts a sequence; `None` if all samples belong to one.
    pub(crate) fn starts(&self) -> Option<Vec<u32>> {
        if self.sequences.is_empty() {
            return None;
        }
        let starts = self.sequences.iter().flat_map(|&windows| {
            let others = std::iter::repeat_n(0, windows - 1);
            std::iter::once(1).chain(others)
        });
        Some(starts.collect())
    }

    /// Number of samples of each sequence; empty if all samples belong to one.
    pub(crate) fn sequences(&self) -> &[usize] {
        &self.sequences
    }
}
