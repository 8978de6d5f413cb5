//! Layout of a step's state and of an entry of the step table: see [`crate::plan`].

use super::guard::ALL_FINITE;

/// Number of words of the state: see [`crate::plan`].
pub(crate) const STATE_WORDS: usize = 12;

/// Index of the word that holds the high half of the step counter, for random numbers. The host writes it.
pub(crate) const STATE_HIGH: usize = 8;

/// Index of the first of the four words of step values, which the gather copies from the step table.
pub(crate) const STATE_VALUES: usize = 4;

/// The state at a step counter, with the guard clear.
pub(crate) fn state_at(step: u64) -> [u32; STATE_WORDS] {
    let [low, high] = [step as u32, (step >> 32) as u32];
    [low, low, ALL_FINITE, 0, 0, 0, 0, 0, high, 0, 0, 0]
}

/// Number of words in an entry of the step table.
pub(crate) const ENTRY_WORDS: usize = 8;

/// Index of the word in an entry that holds the first sample of the step's batch. The step's values come before it.
pub(crate) const ENTRY_OFFSET: usize = 4;
