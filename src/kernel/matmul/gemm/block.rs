//! The block of C that one task computes.

use super::sizes::NR;
use crate::kernel::base::Real;
use std::ops::Range;

/// Most rows of a block: a slice for each lies on the stack.
pub(super) const MAX_ROWS: usize = 288;

/// The same columns of consecutive rows of C, one slice for each row. The slices of the last columns include the
/// padding.
pub(super) struct Block<'a, T> {
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
    slices: [&'a mut [T]; MAX_ROWS],
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

    /// Splits the block at column `middle`: keeps the left part and returns the right one.
    pub(super) fn split_off(&mut self, middle: usize) -> Self {
        let mut right: [&mut [T]; MAX_ROWS] = std::array::from_fn(|_| Default::default());
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

    /// The tile whose rows are rows of C; zeros past them.
    #[inline(always)]
    pub(super) fn load<const MR: usize>(
        &self,
        rows: &Range<usize>,
        columns: &Range<usize>,
    ) -> [[T; NR]; MR] {
        let first = columns.start - self.columns.start;
        let slices = &self.slices[rows.start - self.rows.start..][..rows.len()];
        let mut tile = [[T::ZERO; NR]; MR];
        if columns.len() == NR && rows.len() == MR {
            let slices: &[&mut [T]; MR] = slices.try_into().expect("MR rows");
            for i in 0..MR {
                tile[i] = slices[i][first..][..NR].try_into().expect("NR columns");
            }
            return tile;
        }
        for (slice, values) in slices.iter().zip(&mut tile) {
            values[..columns.len()].copy_from_slice(&slice[first..][..columns.len()]);
        }
        tile
    }

    /// Writes a tile whose rows are rows of C, or adds it to what is there.
    #[inline(always)]
    pub(super) fn store<const MR: usize>(
        &mut self,
        tile: &[[T; NR]; MR],
        rows: &Range<usize>,
        columns: &Range<usize>,
        add: bool,
    ) {
        let first = columns.start - self.columns.start;
        let slices = &mut self.slices[rows.start - self.rows.start..][..rows.len()];
        if columns.len() == NR && rows.len() == MR {
            let slices: &mut [&mut [T]; MR] = slices.try_into().expect("MR rows");
            // A whole tile goes from registers to memory.
            for i in 0..MR {
                let to: &mut [T; NR] = (&mut slices[i][first..][..NR])
                    .try_into()
                    .expect("NR columns");
                put_row(to, &tile[i], add);
            }
            return;
        }
        for (slice, values) in slices.iter_mut().zip(tile) {
            let to = &mut slice[first..][..columns.len()];
            if let Ok(to) = <&mut [T; NR]>::try_from(&mut *to) {
                put_row(to, values, add);
            } else {
                put(to, values, add);
            }
        }
    }

    /// Writes the transpose of a tile, whose rows are columns of C, or adds it to what is there.
    #[inline(always)]
    pub(super) fn store_transposed<const MR: usize>(
        &mut self,
        tile: &[[T; NR]; MR],
        rows: &Range<usize>,
        columns: &Range<usize>,
        add: bool,
    ) {
        let first = columns.start - self.columns.start;
        let slices = &mut self.slices[rows.start - self.rows.start..][..rows.len()];
        for (column, slice) in slices.iter_mut().enumerate().take(NR) {
            let mut values = [T::ZERO; MR];
            for row in 0..MR {
                values[row] = tile[row][column];
            }
            let to = &mut slice[first..][..columns.len()];
            if let Ok(to) = <&mut [T; MR]>::try_from(&mut *to) {
                put_row(to, &values, add);
            } else {
                put(to, &values, add);
            }
        }
    }

    /// sums += block, over its rows and columns without padding; empty sums are 0.
    #[inline(always)]
    pub(super) fn add_to(&self, sums: &mut Vec<T>) {
        let columns = self.columns.len();
        sums.resize(self.rows.len() * columns, T::ZERO);
        for (sums, slice) in sums.chunks_exact_mut(columns).zip(&self.slices) {
            put(sums, &slice[..columns], true);
        }
    }

    /// block += sums.
    #[inline(always)]
    pub(super) fn add(&mut self, sums: &[T]) {
        let columns = self.columns.len();
        for (slice, sums) in self.slices.iter_mut().zip(sums.chunks_exact(columns)) {
            put(&mut slice[..columns], sums, true);
        }
    }

    /// Zeroes the padding and calls `finish(row, first column, values)` for each row.
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

/// A row of known length: it compiles to vector instructions.
#[inline(always)]
fn put_row<T: Real, const N: usize>(to: &mut [T; N], values: &[T; N], add: bool) {
    if add {
        let mut sums = *to;
        for i in 0..N {
            sums[i] += values[i];
        }
        *to = sums;
    } else {
        *to = *values;
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
