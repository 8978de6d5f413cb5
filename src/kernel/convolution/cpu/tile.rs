//! Register tiles of convolutions.

use super::sizes::{BLOCK, GROUP, LONG, Run};
use crate::kernel::base::Real;
use crate::kernel::base::scratch::{NR, SimdRow};
use crate::kernel::base::tile::{Tile, add_products, add_products_to_all};

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

/// tiles[p][i, j] = Σ source[starts[i] + run]·panels[p][k, j] over the runs, where k counts the floats of all runs.
#[inline(always)]
pub(super) fn of_runs<T: Real, const FUSED: bool, const MR: usize, const P: usize>(
    source: &[T],
    starts: &[usize; MR],
    runs: &[Run],
    panels: [&[SimdRow<T>]; P],
) -> [Tile<T, MR>; P] {
    if panels[0].len() <= LONG {
        return chain::<T, FUSED, MR, P>(source, starts, runs, panels);
    }
    panels.map(|panel| long::<T, FUSED, MR>(source, starts, runs, panel))
}

/// A long sum in blocks and groups of blocks.
#[inline(always)]
fn long<T: Real, const FUSED: bool, const MR: usize>(
    source: &[T],
    starts: &[usize; MR],
    runs: &[Run],
    panel: &[SimdRow<T>],
) -> Tile<T, MR> {
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
            let panel = &panel[k..][..length];
            let [sums] = chain::<T, FUSED, MR, 1>(source, starts, &part, [panel]);
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
fn chain<T: Real, const FUSED: bool, const MR: usize, const P: usize>(
    source: &[T],
    starts: &[usize; MR],
    runs: &[Run],
    panels: [&[SimdRow<T>]; P],
) -> [Tile<T, MR>; P] {
    let mut sums = [[[T::ZERO; NR]; MR]; P];
    let mut first = 0;
    for run in runs {
        let mut panels = panels;
        for panel in &mut panels {
            *panel = &panel[first..][..run.length];
        }
        first += run.length;
        let rows: [&[T]; MR] =
            std::array::from_fn(|i| &source[starts[i].wrapping_add(run.offset)..][..run.length]);
        let whole = run.length / UNROLL * UNROLL;
        for k in (0..whole).step_by(UNROLL) {
            // The length is known here, so the loop below checks no index.
            let rows: [&[T; UNROLL]; MR] =
                std::array::from_fn(|i| rows[i][k..][..UNROLL].try_into().expect("UNROLL values"));
            let panels: [&[SimdRow<T>; UNROLL]; P] =
                std::array::from_fn(|p| panels[p][k..][..UNROLL].try_into().expect("UNROLL rows"));
            for k in 0..UNROLL {
                let row = |p: usize| &panels[p][k].0;
                add_products_to_all::<T, FUSED, MR, P>(&mut sums, |i| rows[i][k], row);
            }
        }
        for k in whole..run.length {
            let row = |p: usize| &panels[p][k].0;
            add_products_to_all::<T, FUSED, MR, P>(&mut sums, |i| rows[i][k], row);
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
