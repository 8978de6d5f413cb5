//! Register tiles of convolutions.

use super::sizes::{BLOCK, GROUP, LONG, Run};
use crate::kernel::base::Real;
use crate::kernel::base::scratch::{NR, SimdRow};
use crate::kernel::base::tile::{Tile, add_products};

/// Steps along a run between bounds checks.
const UNROLL: usize = 8;

#[inline(always)]
pub(super) fn add<T: Real, const ROWS: usize>(to: &mut Tile<T, ROWS>, sums: &Tile<T, ROWS>) {
    for i in 0..ROWS {
        for j in 0..NR {
            to[i][j] += sums[i][j];
        }
    }
}

/// tile[i, j] = Σ source[starts[i] + run]·panel[k, j] over the runs, where k counts the floats of all runs.
#[inline(always)]
pub(super) fn of_runs<T: Real, const FUSED: bool, const MR: usize>(
    source: &[T],
    starts: &[usize; MR],
    runs: &[Run],
    panel: &[SimdRow<T>],
) -> Tile<T, MR> {
    if panel.len() <= LONG {
        return chain::<T, FUSED, MR>(source, starts, runs, panel);
    }
    // A long sum in blocks and groups of blocks.
    let (mut total, mut group, mut blocks) = ([[T::ZERO; NR]; MR], [[T::ZERO; NR]; MR], 0);
    let (mut block, mut terms) = ([[T::ZERO; NR]; MR], 0);
    let mut k = 0;
    for run in runs {
        let mut done = 0;
        while done < run.length {
            let length = (run.length - done).min(BLOCK - terms);
            let part = [Run {
                offset: run.offset + done,
                length,
            }];
            let sums = chain::<T, FUSED, MR>(source, starts, &part, &panel[k..][..length]);
            add(&mut block, &sums);
            (k, done, terms) = (k + length, done + length, terms + length);
            if terms == BLOCK {
                add(&mut group, &block);
                (block, terms, blocks) = ([[T::ZERO; NR]; MR], 0, blocks + 1);
            }
            if blocks == GROUP {
                add(&mut total, &group);
                (group, blocks) = ([[T::ZERO; NR]; MR], 0);
            }
        }
    }
    add(&mut group, &block);
    add(&mut total, &group);
    total
}

/// One chain of additions for each element.
#[inline(always)]
fn chain<T: Real, const FUSED: bool, const MR: usize>(
    source: &[T],
    starts: &[usize; MR],
    runs: &[Run],
    panel: &[SimdRow<T>],
) -> Tile<T, MR> {
    let mut sums = [[T::ZERO; NR]; MR];
    let mut rest = panel;
    for run in runs {
        let (panel, after) = rest.split_at(run.length);
        rest = after;
        let rows: [&[T]; MR] =
            std::array::from_fn(|i| &source[starts[i].wrapping_add(run.offset)..][..run.length]);
        let whole = run.length / UNROLL * UNROLL;
        for k in (0..whole).step_by(UNROLL) {
            // The length is known here, so the loop below checks no index.
            let rows: [&[T; UNROLL]; MR] =
                std::array::from_fn(|i| rows[i][k..][..UNROLL].try_into().expect("UNROLL values"));
            let panel: &[SimdRow<T>; UNROLL] =
                panel[k..][..UNROLL].try_into().expect("UNROLL rows");
            for k in 0..UNROLL {
                add_products::<T, FUSED, MR>(&mut sums, |i| rows[i][k], &panel[k].0);
            }
        }
        for k in whole..run.length {
            add_products::<T, FUSED, MR>(&mut sums, |i| rows[i][k], &panel[k].0);
        }
    }
    sums
}

/// Neighbouring pixels of a row of the grid, with the places of the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// Place of the pixel's outputs in the grid's memory.
    pub(super) grid: usize,
    /// Place of the window in the padded image.
    pub(super) image: usize,
    pub(super) count: usize,
}

/// tile[i, j] = Σ grid[pixel + i]·image[window + j] over the pixels of the segments.
#[inline(always)]
pub(super) fn of_pixels<T: Real, const FUSED: bool, const ROWS: usize>(
    segments: &[Segment],
    [grid, image]: [&[T]; 2],
    [grid_step, image_step]: [usize; 2],
) -> Tile<T, ROWS> {
    let mut sums = [[T::ZERO; NR]; ROWS];
    for segment in segments {
        let grid = &grid[segment.grid..];
        let image = &image[segment.image..];
        for pixel in 0..segment.count {
            let values: &[T; ROWS] = grid[pixel * grid_step..][..ROWS]
                .try_into()
                .expect("ROWS outputs");
            let row: &[T; NR] = image[pixel * image_step..][..NR]
                .try_into()
                .expect("NR taps");
            add_products::<T, FUSED, ROWS>(&mut sums, |i| values[i], row);
        }
    }
    sums
}

/// sums[j] += a[j]·b[j].
#[inline(always)]
pub(super) fn add_product_of_rows<T: Real, const FUSED: bool>(
    sums: &mut [T; NR],
    a: &[T; NR],
    b: &[T; NR],
) {
    for j in 0..NR {
        sums[j] = if FUSED {
            a[j].mul_add(b[j], sums[j])
        } else {
            a[j] * b[j] + sums[j]
        };
    }
}
