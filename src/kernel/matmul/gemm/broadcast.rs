//! The broadcast operand: a tile takes single values of it and spreads each over a vector.

use super::cut::pass;
use super::panels::Panel;
use super::sizes::{DEPTH, NR, WIDE_MR};
use super::tile;
use crate::kernel::base::Real;
use crate::threads::for_chunks;
use std::ops::Range;

/// The operand V[i, k] whose values are broadcast. Its row i is a row of the tile.
#[derive(Clone, Copy)]
pub(super) enum BroadcastOperand<'a, T> {
    /// V[i, k] is at `i·ld + k`: read in place.
    Rows { data: &'a [T], ld: usize },
    /// V[i, k] is `rows[i][k]`: read in place.
    Slices { rows: &'a [&'a [T]] },
    /// V[i, k] is at `k·ld + i`: packed, since a tile would read it across memory lines.
    Columns { data: &'a [T], ld: usize },
}

impl<'a, T: Real> BroadcastOperand<'a, T> {
    pub(super) fn rows(data: &'a [T], ld: usize) -> Self {
        BroadcastOperand::Rows { data, ld }
    }

    pub(super) fn columns(data: &'a [T], ld: usize) -> Self {
        BroadcastOperand::Columns { data, ld }
    }

    /// Packs columns into micropanels [⌈rows/MR⌉, kc, MR], the last one padded with zeros. Rows are read in place.
    #[inline(always)]
    pub(super) fn pack<const MR: usize>(
        &self,
        k_block: &Range<usize>,
        rows: &Range<usize>,
        micropanels: &mut Vec<T>,
    ) {
        if let BroadcastOperand::Columns { data, ld } = *self {
            let kc = k_block.len();
            let length = rows.len().div_ceil(MR) * kc * MR;
            if micropanels.len() < length {
                micropanels.resize(length, T::ZERO);
            }
            for (l, k) in k_block.clone().enumerate() {
                let row = &data[k * ld..][rows.clone()];
                for (micropanel, values) in row.chunks(MR).enumerate() {
                    let to = &mut micropanels[(micropanel * kc + l) * MR..][..MR];
                    match <&[T; MR]>::try_from(values) {
                        Ok(values) => to.copy_from_slice(values),
                        Err(_) => {
                            to[..values.len()].copy_from_slice(values);
                            to[values.len()..].fill(T::ZERO);
                        }
                    }
                }
            }
        }
    }

    /// Packs columns into micropanels, and copies rows [rows, DEPTH], for tiles of two panels.
    #[inline(always)]
    pub(super) fn pack_wide(&self, depth: &Range<usize>, rows: &Range<usize>, to: &mut Vec<T>) {
        if let BroadcastOperand::Columns { .. } = self {
            return self.pack::<WIDE_MR>(depth, rows, to);
        }
        // A tile may read rows past the last, whose sums are not stored.
        let length = (rows.len() + WIDE_MR) * DEPTH;
        if to.len() < length {
            to.resize(length, T::ZERO);
        }
        for (row, to) in rows.clone().zip(to.chunks_exact_mut(DEPTH)) {
            let from = self.row(row, depth);
            to[..from.len()].copy_from_slice(from);
        }
    }

    /// Copies `rows` rows of k terms for all tasks: [passes][rows, DEPTH], and rows that a tile may read past the last.
    pub(super) fn copy(&self, rows: usize, k: usize, to: &mut Vec<[T; DEPTH]>) {
        let pass = pass(k);
        let passes = k.div_ceil(pass);
        if to.len() < passes * rows + WIDE_MR {
            to.resize(passes * rows + WIDE_MR, [T::ZERO; DEPTH]);
        }
        let at_least = (1 << 14) / (rows * DEPTH) + 1;
        for_chunks(&mut to[..passes * rows], rows, at_least, |number, to| {
            let depth = number * pass..k.min((number + 1) * pass);
            for (row, to) in to.iter_mut().enumerate() {
                let from = self.row(row, &depth);
                to[..from.len()].copy_from_slice(from);
            }
        });
    }

    /// Some terms of a row that is read in place.
    #[inline(always)]
    fn row(&self, row: usize, depth: &Range<usize>) -> &'a [T] {
        match *self {
            BroadcastOperand::Slices { rows } => &rows[row][depth.start..depth.end],
            BroadcastOperand::Rows { data, ld } => &data[row * ld..][depth.start..depth.end],
            BroadcastOperand::Columns { .. } => unreachable!("columns are packed"),
        }
    }

    /// Rows of the next tile, where so many are left. The last two tiles share the rest.
    #[inline(always)]
    pub(super) fn height(&self, left: usize) -> usize {
        match (self, left) {
            (BroadcastOperand::Rows { .. } | BroadcastOperand::Slices { .. }, 13..=16) => 8,
            _ => left.min(WIDE_MR),
        }
    }

    /// A block of K of the rows of a tile, read in place. Rows past the last repeat it, and are not stored.
    ///
    /// A loop, since `std::array::from_fn` may become a call: it takes longer than a short tile.
    #[inline(always)]
    fn rows_of<const ROWS: usize>(
        &self,
        k_block: &Range<usize>,
        tile_rows: &Range<usize>,
    ) -> [&'a [T]; ROWS] {
        let mut slices: [&'a [T]; ROWS] = [&[]; ROWS];
        for (i, slice) in slices.iter_mut().enumerate() {
            let row = (tile_rows.start + i).min(tile_rows.end - 1);
            *slice = self.row(row, k_block);
        }
        slices
    }

    /// One tile [MR, NR], summed over a block of K. `tile_rows` is at most MR of `rows`, for which `micropanels` were
    /// packed.
    #[inline(always)]
    pub(super) fn tile<const FUSED: bool, const MR: usize>(
        &self,
        k_block: &Range<usize>,
        rows: &Range<usize>,
        tile_rows: &Range<usize>,
        micropanels: &[T],
        panel: Panel<'_, T>,
    ) -> [[T; NR]; MR] {
        match *self {
            BroadcastOperand::Rows { .. } | BroadcastOperand::Slices { .. } => {
                let (block, rows) = (k_block, tile_rows);
                match tile_rows.len() {
                    1 => of_rows::<T, FUSED, 1, MR>(self.rows_of(block, rows), panel),
                    2 => of_rows::<T, FUSED, 2, MR>(self.rows_of(block, rows), panel),
                    3 | 4 => of_rows::<T, FUSED, 4, MR>(self.rows_of(block, rows), panel),
                    5 | 6 => of_rows::<T, FUSED, 6, MR>(self.rows_of(block, rows), panel),
                    _ => of_rows::<T, FUSED, MR, MR>(self.rows_of(block, rows), panel),
                }
            }
            BroadcastOperand::Columns { .. } => {
                let length = k_block.len() * MR;
                let first = (tile_rows.start - rows.start) / MR * length;
                let micropanel = &micropanels[first..][..length];
                match panel {
                    Panel::Packed(panel) => tile::of_micropanel::<T, FUSED, MR>(
                        micropanel,
                        panel.iter().map(|row| &row.0),
                    ),
                    Panel::InPlace { data, ld } => tile::of_micropanel::<T, FUSED, MR>(
                        micropanel,
                        in_place(data, ld, k_block.len()),
                    ),
                }
            }
        }
    }
}

#[inline(always)]
fn of_rows<T: Real, const FUSED: bool, const ROWS: usize, const MR: usize>(
    rows: [&[T]; ROWS],
    panel: Panel<'_, T>,
) -> [[T; NR]; MR] {
    match panel {
        Panel::Packed(panel) => tile::of_rows::<T, FUSED, ROWS, MR>(rows, panel),
        Panel::InPlace { data, ld } => {
            let panel = in_place(data, ld, rows[0].len());
            tile::of_rows_in_place::<T, FUSED, ROWS, MR>(rows, panel)
        }
    }
}

/// The `kc` SIMD rows of a panel that is read in place.
#[inline(always)]
fn in_place<T>(data: &[T], ld: usize, kc: usize) -> impl Iterator<Item = &[T; NR]> {
    (0..kc).map(move |l| data[l * ld..][..NR].try_into().expect("NR values"))
}
