//! Tiles of sums: products of rows with panels.

use crate::kernel::base::Real;
use crate::kernel::base::scratch::{NR, SimdRow};
use crate::kernel::base::tile::{Tile, add_product, add_products};

/// Terms of a chain in a sum; the chains are added to the total in order.
pub(super) const BLOCK: usize = 64;

/// Steps between bounds checks.
const UNROLL: usize = 8;

/// tile[i] += Σₖ rows[i][k]·panel[k], over ascending k. The rows are at least as long as the panel.
#[inline(always)]
fn add_rows<T: Real, const FUSED: bool, const ROWS: usize>(
    tile: &mut Tile<T, ROWS>,
    rows: &[&[T]; ROWS],
    panel: &[SimdRow<T>],
) {
    let whole = panel.len() / UNROLL * UNROLL;
    for k in (0..whole).step_by(UNROLL) {
        // The length is known here, so the loop below checks no index.
        let panel: &[SimdRow<T>; UNROLL] = fixed(&panel[k..]);
        let rows: [&[T; UNROLL]; ROWS] = std::array::from_fn(|i| fixed(&rows[i][k..]));
        for k in 0..UNROLL {
            add_products::<T, FUSED, ROWS>(tile, |i| rows[i][k], &panel[k].0);
        }
    }
    for k in whole..panel.len() {
        add_products::<T, FUSED, ROWS>(tile, |i| rows[i][k], &panel[k].0);
    }
}

/// The first N elements of a slice that has as many.
#[inline(always)]
fn fixed<T, const N: usize>(slice: &[T]) -> &[T; N] {
    slice[..N].try_into().expect("N elements")
}

/// out[i, j] = Σ rows[i][c]·panels[j, c] over the columns of a head: products of rows with the first tiles of
/// transposed rows. Rows of `out` are `stride` apart.
#[inline(always)]
pub(super) fn products<T: Real, const FUSED: bool, const ROWS: usize>(
    rows: &[&[T]; ROWS],
    panels: &[SimdRow<T>],
    tiles: usize,
    out: &mut [T],
    stride: usize,
) {
    let width = rows[0].len();
    for (number, panel) in panels.chunks_exact(width).take(tiles).enumerate() {
        let mut tile = [[T::ZERO; NR]; ROWS];
        add_rows::<T, FUSED, ROWS>(&mut tile, rows, panel);
        for (sums, out) in tile.iter().zip(out.chunks_exact_mut(stride)) {
            out[number * NR..][..NR].copy_from_slice(sums);
        }
    }
}

/// Σ rows[i][j]·panel[j] over j below `ends[i]`, which ascend. Blocks of [`BLOCK`] terms are chains, which are added in
/// order.
#[inline(always)]
pub(super) fn weighted_sums<T: Real, const FUSED: bool, const ROWS: usize>(
    rows: &[&[T]; ROWS],
    ends: &[usize; ROWS],
    panel: &[SimdRow<T>],
) -> Tile<T, ROWS> {
    let mut total = [[T::ZERO; NR]; ROWS];
    for block in (0..ends[ROWS - 1]).step_by(BLOCK) {
        // All rows have the terms before `shared`, and each has some of those from there on.
        let shared = ends[0].clamp(block, block + BLOCK);
        let mut chain = [[T::ZERO; NR]; ROWS];
        let mut parts = *rows;
        for part in &mut parts {
            *part = &part[block..shared];
        }
        add_rows::<T, FUSED, ROWS>(&mut chain, &parts, &panel[block..shared]);
        for i in 0..ROWS {
            let end = ends[i].clamp(shared, block + BLOCK);
            let mut sums = chain[i];
            for (&value, simd_row) in rows[i][shared..end].iter().zip(&panel[shared..end]) {
                add_product::<T, FUSED>(&mut sums, value, &simd_row.0);
            }
            for j in 0..NR {
                total[i][j] += sums[j];
            }
        }
    }
    total
}

/// total[i] += Σ matrix[k, first + i]·panel[k] over k from `starts[i]` on, which ascend, as one chain. Rows of the
/// matrix are `stride` apart.
#[inline(always)]
pub(super) fn add_column_sums<T: Real, const FUSED: bool, const ROWS: usize>(
    total: &mut [SimdRow<T>],
    (matrix, stride, first): (&[T], usize, usize),
    starts: &[usize; ROWS],
    panel: &[SimdRow<T>],
) {
    let shared = starts[ROWS - 1];
    let mut chain = [[T::ZERO; NR]; ROWS];
    for i in 0..ROWS {
        let mut sums = [T::ZERO; NR];
        for k in starts[i]..shared {
            add_product::<T, FUSED>(&mut sums, matrix[k * stride + first + i], &panel[k].0);
        }
        chain[i] = sums;
    }
    let matrix = matrix.chunks_exact(stride).zip(panel);
    for (row, simd_row) in matrix.skip(shared) {
        let values: &[T; ROWS] = fixed(&row[first..]);
        add_products::<T, FUSED, ROWS>(&mut chain, |i| values[i], &simd_row.0);
    }
    for (total, sums) in total.iter_mut().zip(&chain) {
        for (total, &sum) in total.0.iter_mut().zip(sums) {
            *total += sum;
        }
    }
}
