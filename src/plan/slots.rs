//! Buffers for the values within a step: values that do not live at the same time share one.

use std::collections::BTreeSet;

/// Hands out slots and takes them back.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// Length of each slot in floats.
    pub(crate) lengths: Vec<usize>,
    /// The free slots, by length.
    free: BTreeSet<(usize, usize)>,
}

impl Slots {
    /// A slot of at least this many floats: the smallest free one that fits, else the largest free one, grown, else a
    /// new one.
    pub(crate) fn take(&mut self, floats: usize) -> usize {
        let fitting = self.free.range((floats, 0)..).next();
        let Some(&(length, slot)) = fitting.or_else(|| self.free.last()) else {
            self.lengths.push(floats);
            return self.lengths.len() - 1;
        };
        self.free.remove(&(length, slot));
        self.lengths[slot] = length.max(floats);
        slot
    }

    /// Gives a slot back.
    pub(crate) fn release(&mut self, slot: usize) {
        let new = self.free.insert((self.lengths[slot], slot));
        debug_assert!(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_released_slot_is_reused_and_grown_before_a_new_one_is_made() {
        let mut slots = Slots::default();
        let (a, b) = (slots.take(10), slots.take(100));
        slots.release(a);
        slots.release(b);
        assert_eq!(slots.take(20), b);
        assert_eq!(slots.take(20), a);
        assert_eq!(slots.lengths, [20, 100]);
    }
}
