//! Buffers for the values within a step: values that do not live at the same time share one.

/// Hands out slots and takes them back.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// Length of each slot in floats.
    pub(crate) lengths: Vec<usize>,
    free: Vec<usize>,
}

impl Slots {
    /// A slot of at least this many floats: the smallest free one that fits, else the largest free one, grown, else a
    /// new one.
    pub(crate) fn take(&mut self, floats: usize) -> usize {
        let fitting = (0..self.free.len())
            .filter(|&i| self.lengths[self.free[i]] >= floats)
            .min_by_key(|&i| self.lengths[self.free[i]]);
        let largest = || (0..self.free.len()).max_by_key(|&i| self.lengths[self.free[i]]);
        match fitting.or_else(largest) {
            Some(i) => {
                let slot = self.free.swap_remove(i);
                self.lengths[slot] = self.lengths[slot].max(floats);
                slot
            }
            None => {
                self.lengths.push(floats);
                self.lengths.len() - 1
            }
        }
    }

    /// Gives a slot back.
    pub(crate) fn release(&mut self, slot: usize) {
        debug_assert!(!self.free.contains(&slot));
        self.free.push(slot);
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
