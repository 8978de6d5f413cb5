//! A block of C that one task computes.

use super::{LANES, STRIP};
use crate::kernel::base::Real;
use std::ops::Range;

/// Most rows of a block. They are kept on the stack.
pub(super) const MOST_ROWS: usize = 288;

/// Stretches of consecutive rows. The last columns have the padding with them.
pub(super) struct Block<'a, T> {
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
    slices: [&'a mut [T]; MOST_ROWS],
}

impl<'a, T: Real> Block<'a, T> {
    /// Whole rows from `first`.
    pub(super) fn new(first: usize, columns: usize, c: &'a mut [T], ld: usize) -> Self {
        let rows = first..first + c.len() / ld;
        let mut rest = c.chunks_exact_mut(ld);
        Block {
            rows,
            columns: 0..columns,
            slices: std::array::from_fn(|_| rest.next().unwrap_or_default()),
        }
    }

    /// Keeps the first columns, and gives the others.
    pub(super) fn split_off(&mut self, middle: usize) -> Self {
        let mut right: [&mut [T]; MOST_ROWS] = std::array::from_fn(|_| Default::default());
        let both = self.slices.iter_mut().zip(&mut right);
        for (left, right) in both.take(self.rows.len()) {
            let (kept, given) = std::mem::take(left).split_at_mut(middle);
            (*left, *right) = (kept, given);
        }
        let middle = self.columns.start + middle;
        let columns = middle..self.columns.end;
        self.columns.end = middle;
        Block {
            rows: self.rows.clone(),
            columns,
            slices: right,
        }
    }

    pub(super) fn fill(&mut self, value: T) {
        for slice in &mut self.slices[..self.rows.len()] {
            slice.fill(value);
        }
    }

    /// Writes a tile whose rows are rows of C, or adds it.
    #[inline(always)]
    pub(super) fn store(
        &mut self,
        tile: &[[T; LANES]; STRIP],
        rows: &Range<usize>,
        columns: &Range<usize>,
        add: bool,
    ) {
        let first = columns.start - self.columns.start;
        let slices = &mut self.slices[rows.start - self.rows.start..][..rows.len()];
        if columns.len() == LANES && rows.len() == STRIP {
            let slices: &mut [&mut [T]; STRIP] = slices.try_into().expect("a strip");
            // A whole tile goes from registers to memory.
            for i in 0..STRIP {
                let to: &mut [T; LANES] = (&mut slices[i][first..][..LANES])
                    .try_into()
                    .expect("a line");
                put(to, &tile[i], add);
            }
            return;
        }
        for (slice, values) in slices.iter_mut().zip(tile) {
            let to = &mut slice[first..][..columns.len()];
            // Of known length, it is compiled to vectors.
            if let Ok(to) = <&mut [T; LANES]>::try_from(&mut *to) {
                put(to, values, add);
            } else {
                put(to, values, add);
            }
        }
    }

    /// Writes a tile whose rows are columns of C, or adds it.
    #[inline(always)]
    pub(super) fn store_turned(
        &mut self,
        tile: &[[T; LANES]; STRIP],
        rows: &Range<usize>,
        columns: &Range<usize>,
        add: bool,
    ) {
        let first = columns.start - self.columns.start;
        let slices = &mut self.slices[rows.start - self.rows.start..][..rows.len()];
        for (lane, slice) in slices.iter_mut().enumerate().take(LANES) {
            let values: [T; STRIP] = std::array::from_fn(|row| tile[row][lane]);
            let to = &mut slice[first..][..columns.len()];
            if let Ok(to) = <&mut [T; STRIP]>::try_from(&mut *to) {
                put(to, &values, add);
            } else {
                put(to, &values, add);
            }
        }
    }

    /// Adds the block to sums of the same rows and columns, which are 0 where they are empty.
    #[inline(always)]
    pub(super) fn add_to(&self, sums: &mut Vec<T>) {
        let columns = self.columns.len();
        sums.resize(self.rows.len() * columns, T::ZERO);
        for (sums, slice) in sums.chunks_exact_mut(columns).zip(&self.slices) {
            put(sums, &slice[..columns], true);
        }
    }

    /// Adds such sums to the block.
    #[inline(always)]
    pub(super) fn add(&mut self, sums: &[T]) {
        let columns = self.columns.len();
        for (slice, sums) in self.slices.iter_mut().zip(sums.chunks_exact(columns)) {
            put(&mut slice[..columns], sums, true);
        }
    }

    /// Zeroes the padding and hands out the rows.
    #[inline(always)]
    pub(super) fn finish(&mut self, finish: &impl Fn(usize, usize, &mut [T])) {
        let slices = &mut self.slices[..self.rows.len()];
        for (row, slice) in self.rows.clone().zip(slices) {
            let (values, padding) = slice.split_at_mut(self.columns.len());
            padding.fill(T::ZERO);
            finish(row, self.columns.start, values);
        }
    }
}

#[inline(always)]
fn put<T: Real>(to: &mut [T], values: &[T], add: bool) {
    if add {
        for (to, &value) in to.iter_mut().zip(values) {
            *to += value;
        }
    } else {
        for (to, &value) in to.iter_mut().zip(values) {
            *to = value;
        }
    }
}
