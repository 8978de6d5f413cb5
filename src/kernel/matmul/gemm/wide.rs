//! Tasks with AVX-512: tiles of [`WIDE_MR`] rows and two panels, 24 registers of sixteen `f32`.
//!
//! Two panels share each broadcast value, so that the multiply-adds, and not the loads, take the time. What a tile reads
//! lies in the first-level cache: K is cut into passes of up to [`DEPTH`] terms, and the rows of the broadcast operand
//! are copied next to one another. A later pass continues the sums of the one before, so the bits are the same.

use super::broadcast::BroadcastOperand;
use super::panels::Panel;
use super::sizes::{DEPTH, MC, NR, WIDE_MR, WIDE_NC};
use super::{Task, pieces};
use crate::kernel::base::Real;
use crate::kernel::base::scratch::SimdRow;
use crate::kernel::base::tile::{Tile, add_products_to_all};
use std::ops::Range;

/// Where a pass finds and leaves the sums of a tile.
#[derive(Clone, Copy)]
struct Pass {
    /// Whether it begins the sums; otherwise it continues them.
    first: bool,
    /// Whether it ends them, and writes them to C.
    last: bool,
    /// Whether they are added to C.
    add: bool,
}

impl<T: Real, F: Fn(usize, usize, &mut [T]) + Sync> Task<'_, '_, '_, T, F> {
    /// The block, in tiles of up to 12 rows and two panels.
    #[inline(always)]
    pub(super) fn wide_tiles<const FUSED: bool>(mut self) {
        let job = self.job;
        let (broadcast_range, panel_range) = if job.transposed {
            (self.block.columns.clone(), self.block.rows.clone())
        } else {
            (self.block.rows.clone(), self.block.columns.clone())
        };
        if job.k == 0 {
            self.block.fill(T::ZERO);
        }
        let mut groups = Vec::new();
        for (number, k_block) in pieces(0..job.k, job.k_block.max(1)).enumerate() {
            // The first block of a group overwrites C, and the others are added to it.
            let add = number % job.group.unwrap_or(usize::MAX) != 0;
            if number > 0 && !add {
                self.block.add_to(&mut groups);
            }
            for depth in pieces(k_block.clone(), DEPTH) {
                let pass = Pass {
                    first: depth.start == k_block.start,
                    last: depth.end == k_block.end,
                    add,
                };
                for columns in pieces(panel_range.clone(), WIDE_NC) {
                    job.panels.pack(&depth, &columns, self.panels);
                    for rows in pieces(broadcast_range.clone(), MC) {
                        if job.copies.is_none() {
                            job.broadcast.pack_wide(&depth, &rows, self.micropanels);
                        }
                        for pair in pieces(columns.clone(), 2 * NR) {
                            self.pair::<FUSED>(pass, &depth, &columns, &rows, pair);
                        }
                    }
                }
            }
        }
        if !groups.is_empty() {
            self.block.add(&groups);
        }
        self.block.finish(job.finish);
    }

    /// The tiles of one or two panels.
    #[inline(always)]
    fn pair<const FUSED: bool>(
        &mut self,
        pass: Pass,
        depth: &Range<usize>,
        columns: &Range<usize>,
        rows: &Range<usize>,
        pair: Range<usize>,
    ) {
        let middle = pair.end.min(pair.start + NR);
        let halves = [pair.start..middle, middle..pair.end];
        let mut start = rows.start;
        while start < rows.end {
            let height = self.job.broadcast.height(rows.end - start);
            let tile_rows = start..start + height;
            start += height;
            if halves[1].is_empty() {
                let at = At {
                    depth,
                    columns,
                    rows,
                    tile_rows: &tile_rows,
                    halves: [&halves[0]],
                };
                self.heights::<FUSED, 1>(pass, at);
            } else {
                let [left, right] = &halves;
                let at = At {
                    depth,
                    columns,
                    rows,
                    tile_rows: &tile_rows,
                    halves: [left, right],
                };
                self.heights::<FUSED, 2>(pass, at);
            }
        }
    }

    #[inline(always)]
    fn heights<const FUSED: bool, const P: usize>(&mut self, pass: Pass, at: At<'_, P>) {
        match at.tile_rows.len() {
            1 => self.tile::<FUSED, 1, P>(pass, at),
            2 => self.tile::<FUSED, 2, P>(pass, at),
            3 | 4 => self.tile::<FUSED, 4, P>(pass, at),
            5 | 6 => self.tile::<FUSED, 6, P>(pass, at),
            7 | 8 => self.tile::<FUSED, 8, P>(pass, at),
            _ => self.tile::<FUSED, WIDE_MR, P>(pass, at),
        }
    }

    /// One tile of `P` panels.
    #[inline(always)]
    fn tile<const FUSED: bool, const ROWS: usize, const P: usize>(
        &mut self,
        pass: Pass,
        at: At<'_, P>,
    ) {
        let At {
            depth,
            columns,
            rows,
            tile_rows,
            halves,
        } = at;
        let job = self.job;
        let mut panels: [&[SimdRow<T>]; P] = [&[]; P];
        for p in 0..P {
            match job.panels.panel(depth, columns, halves[p], self.panels) {
                Panel::Packed(panel) => panels[p] = panel,
                Panel::InPlace { .. } => unreachable!("panels are packed"),
            }
        }
        let mut sums = [[[T::ZERO; NR]; ROWS]; P];
        if !pass.first {
            for p in 0..P {
                sums[p] = if job.transposed {
                    self.kept::<ROWS>(halves[p], tile_rows)
                } else {
                    self.block.load(tile_rows, halves[p])
                };
            }
        }
        match job.broadcast {
            BroadcastOperand::Columns { .. } => {
                let length = depth.len() * WIDE_MR;
                let first = (tile_rows.start - rows.start) / WIDE_MR * length;
                of_micropanel::<T, FUSED, ROWS, P>(
                    &mut sums,
                    &self.micropanels[first..][..length],
                    panels,
                );
            }
            _ => {
                let (rows, first) = match job.copies {
                    Some(copies) => {
                        let pass = depth.start / job.k_block.clamp(1, DEPTH);
                        (copies, pass * job.broadcast_rows() + tile_rows.start)
                    }
                    None => {
                        let (own, _) = self.micropanels.as_chunks::<DEPTH>();
                        (own, tile_rows.start - rows.start)
                    }
                };
                let rows: &[[T; DEPTH]; ROWS] =
                    rows[first..][..ROWS].try_into().expect("ROWS rows");
                of_rows::<T, FUSED, ROWS, P>(&mut sums, rows, panels);
            }
        }
        for p in 0..P {
            match (job.transposed, pass.last) {
                (false, _) => self.block.store(&sums[p], tile_rows, halves[p], pass.add),
                (true, true) => self
                    .block
                    .store_transposed(&sums[p], halves[p], tile_rows, pass.add),
                (true, false) => self.keep(&sums[p], halves[p], tile_rows),
            }
        }
    }

    /// Place of a tile's sums between two passes.
    #[inline(always)]
    fn place(&self, columns: &Range<usize>, rows: &Range<usize>) -> usize {
        let panel = (columns.start - self.block.rows.start) / NR;
        panel * self.block.columns.len() + rows.start - self.block.columns.start
    }

    #[inline(always)]
    fn kept<const ROWS: usize>(
        &self,
        columns: &Range<usize>,
        rows: &Range<usize>,
    ) -> Tile<T, ROWS> {
        let kept = &self.sums[self.place(columns, rows)..][..rows.len()];
        let mut tile = [[T::ZERO; NR]; ROWS];
        if let Ok(kept) = <&[SimdRow<T>; ROWS]>::try_from(kept) {
            for i in 0..ROWS {
                tile[i] = kept[i].0;
            }
        } else {
            for (row, kept) in tile.iter_mut().zip(kept) {
                *row = kept.0;
            }
        }
        tile
    }

    #[inline(always)]
    fn keep<const ROWS: usize>(
        &mut self,
        tile: &Tile<T, ROWS>,
        columns: &Range<usize>,
        rows: &Range<usize>,
    ) {
        let place = self.place(columns, rows);
        let count = self.block.rows.len().div_ceil(NR) * self.block.columns.len();
        if self.sums.len() < count {
            self.sums.resize(count, SimdRow([T::ZERO; NR]));
        }
        let kept = &mut self.sums[place..][..rows.len()];
        if let Ok(kept) = <&mut [SimdRow<T>; ROWS]>::try_from(&mut *kept) {
            for i in 0..ROWS {
                kept[i].0 = tile[i];
            }
        } else {
            for (kept, row) in kept.iter_mut().zip(tile) {
                kept.0 = *row;
            }
        }
    }
}

/// The place of a tile of `P` panels.
#[derive(Clone, Copy)]
struct At<'a, const P: usize> {
    depth: &'a Range<usize>,
    /// The columns that are packed, and the rows.
    columns: &'a Range<usize>,
    rows: &'a Range<usize>,
    tile_rows: &'a Range<usize>,
    /// The columns of each panel.
    halves: [&'a Range<usize>; P],
}

/// sums[p][i, j] += Σₖ rows[i][k]·panels[p][k, j], over ascending k.
#[inline(always)]
fn of_rows<T: Real, const FUSED: bool, const ROWS: usize, const P: usize>(
    sums: &mut [Tile<T, ROWS>; P],
    rows: &[[T; DEPTH]; ROWS],
    mut panels: [&[SimdRow<T>]; P],
) {
    let depth = panels[0].len().min(DEPTH);
    for panel in &mut panels {
        *panel = &panel[..depth];
    }
    let mut tile = *sums;
    for k in 0..depth {
        add_products_to_all::<T, FUSED, ROWS, P>(&mut tile, |i| rows[i][k], |p| &panels[p][k].0);
    }
    *sums = tile;
}

/// sums[p][i, j] += Σₖ micropanel[k, i]·panels[p][k, j], over ascending k. Micropanel [kc, WIDE_MR].
#[inline(always)]
fn of_micropanel<T: Real, const FUSED: bool, const ROWS: usize, const P: usize>(
    sums: &mut [Tile<T, ROWS>; P],
    micropanel: &[T],
    mut panels: [&[SimdRow<T>]; P],
) {
    let (values, _) = micropanel.as_chunks::<WIDE_MR>();
    let depth = panels[0].len().min(values.len());
    let values = &values[..depth];
    for panel in &mut panels {
        *panel = &panel[..depth];
    }
    let mut tile = *sums;
    for k in 0..depth {
        let values = &values[k];
        add_products_to_all::<T, FUSED, ROWS, P>(&mut tile, |i| values[i], |p| &panels[p][k].0);
    }
    *sums = tile;
}
