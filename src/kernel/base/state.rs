//! The words of a step's state, and of an entry of the step table: see [`crate::plan`].

use super::guard::ALL_FINITE;

/// Words of the state: see [`crate::plan`].
pub(crate) const STATE_WORDS: usize = 12;

/// The word of the state that holds the high half of the step counter, for random numbers. The host writes it.
pub(crate) const STATE_HIGH: usize = 8;

/// The four words of the state from this on are the step's values, which the gather copies from the step table.
pub(crate) const STATE_VALUES: usize = 4;

/// The state at a step counter, with nothing found that is not finite.
pub(crate) fn state_at(step: u64) -> [u32; STATE_WORDS] {
    let [low, high] = [step as u32, (step >> 32) as u32];
    [low, low, ALL_FINITE, 0, 0, 0, 0, 0, high, 0, 0, 0]
}

/// Words in an entry of the step table.
pub(crate) const ENTRY_WORDS: usize = 8;

/// Index of the word in an entry that holds the first sample of the step's batch. The step's values come before it.
pub(crate) const ENTRY_OFFSET: usize = 4;
