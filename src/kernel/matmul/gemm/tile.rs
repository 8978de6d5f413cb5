//! Register tiles: the innermost loops of the product.
//!
//! Arrays have fixed sizes and loops fixed bounds, so the compiler keeps a tile in vector registers: twelve of AVX2's
//! sixteen. For each k it loads two vectors of the panel and broadcasts MR single values.

use super::sizes::NR;
use crate::kernel::base::Real;
use crate::kernel::base::scratch::SimdRow;
use crate::kernel::base::tile::add_products;

/// Steps along K between bounds checks.
pub(super) const UNROLL: usize = 16;

/// tile[i, j] = Σₖ micropanel[k, i]·panel[k, j], over ascending k. Micropanel [kc, MR], panel [kc, NR].
#[inline(always)]
pub(super) fn of_micropanel<'a, T: Real, const FUSED: bool, const MR: usize>(
    micropanel: &[T],
    panel: impl Iterator<Item = &'a [T; NR]>,
) -> [[T; NR]; MR] {
    let mut tile = [[T::ZERO; NR]; MR];
    for (values, simd_row) in micropanel.chunks_exact(MR).zip(panel) {
        add_products::<T, FUSED, MR>(&mut tile, |i| values[i], simd_row);
    }
    tile
}

/// tile[i, j] = Σₖ rows[i][k]·panel[k, j], over ascending k. Rows [ROWS, kc], panel [kc, NR]; rows of the tile from
/// `ROWS` on are zero.
#[inline(always)]
pub(super) fn of_rows<T: Real, const FUSED: bool, const ROWS: usize, const MR: usize>(
    rows: [&[T]; ROWS],
    panel: &[SimdRow<T>],
) -> [[T; NR]; MR] {
    let mut sums = [[T::ZERO; NR]; ROWS];
    let mut rows = rows;
    for row in &mut rows {
        *row = &row[..panel.len()];
    }
    let whole = panel.len() / UNROLL * UNROLL;
    for k in (0..whole).step_by(UNROLL) {
        // The length is known here, so the loop below checks no index.
        let rows: [&[T; UNROLL]; ROWS] = std::array::from_fn(|i| fixed(&rows[i][k..]));
        let panel: &[SimdRow<T>; UNROLL] = fixed(&panel[k..]);
        for k in 0..UNROLL {
            add_products::<T, FUSED, ROWS>(&mut sums, |i| rows[i][k], &panel[k].0);
        }
    }
    for k in whole..panel.len() {
        add_products::<T, FUSED, ROWS>(&mut sums, |i| rows[i][k], &panel[k].0);
    }
    let mut tile = [[T::ZERO; NR]; MR];
    tile[..ROWS].copy_from_slice(&sums);
    tile
}

/// Like [`of_rows`], for a panel that is read in place.
#[inline(always)]
pub(super) fn of_rows_in_place<
    'a,
    T: Real,
    const FUSED: bool,
    const ROWS: usize,
    const MR: usize,
>(
    rows: [&[T]; ROWS],
    panel: impl Iterator<Item = &'a [T; NR]>,
) -> [[T; NR]; MR] {
    let mut sums = [[T::ZERO; NR]; ROWS];
    for (k, simd_row) in panel.enumerate() {
        add_products::<T, FUSED, ROWS>(&mut sums, |i| rows[i][k], simd_row);
    }
    let mut tile = [[T::ZERO; NR]; MR];
    tile[..ROWS].copy_from_slice(&sums);
    tile
}

/// The first N elements of a slice that has as many.
#[inline(always)]
fn fixed<T, const N: usize>(slice: &[T]) -> &[T; N] {
    slice[..N].try_into().expect("N elements")
}
