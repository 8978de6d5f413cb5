//! Slots: buffers for the values within a step, shared by values with disjoint lifetimes.

use std::collections::BTreeSet;

/// Allocator of slots.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// Length of each slot in floats.
    pub(crate) lengths: Vec<usize>,
    /// The free slots as (length in floats, slot), ordered by length.
    free: BTreeSet<(usize, usize)>,
}

impl Slots {
    /// Takes a slot of at least this many floats: the smallest free slot that fits, else the largest free slot,
    /// enlarged, else a new slot.
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

    /// Returns a slot to the free list.
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
