//! Register tiles: the innermost loops of the product.
//!
//! The arrays have fixed sizes and the loops fixed bounds, so the compiler keeps a tile in vector registers: twelve of
//! AVX2's sixteen.

use super::vectors::Line;
use super::{LANES, STRIP};
use crate::kernel::base::Real;

/// Lines of a panel between tests of indices.
pub(super) const UNROLLED: usize = 16;

/// tile[i, j] = Σₗ strip[l, i]·panel[l, j], over ascending l.
#[inline(always)]
pub(super) fn of_strip<'a, T: Real, const FUSED: bool>(
    strip: &[T],
    panel: impl Iterator<Item = &'a [T; LANES]>,
) -> [[T; LANES]; STRIP] {
    let mut tile = [[T::ZERO; LANES]; STRIP];
    for (numbers, line) in strip.chunks_exact(STRIP).zip(panel) {
        for (row, &number) in tile.iter_mut().zip(numbers) {
            add_product::<T, FUSED>(row, number, line);
        }
    }
    tile
}

/// tile[i, j] = Σₗ rows[i][l]·panel[l, j], over ascending l. Rows of the tile from `ROWS` are zero.
#[inline(always)]
pub(super) fn of_rows<T: Real, const FUSED: bool, const ROWS: usize>(
    rows: [&[T]; ROWS],
    panel: &[Line<T>],
) -> [[T; LANES]; STRIP] {
    let mut sums = [[T::ZERO; LANES]; ROWS];
    let rows = rows.map(|row| &row[..panel.len()]);
    let whole = panel.len() / UNROLLED * UNROLLED;
    for l in (0..whole).step_by(UNROLLED) {
        // Of a known length, so that the loop below tests no index.
        let rows: [&[T; UNROLLED]; ROWS] = std::array::from_fn(|i| fixed(&rows[i][l..]));
        let lines: &[Line<T>; UNROLLED] = fixed(&panel[l..]);
        for l in 0..UNROLLED {
            for i in 0..ROWS {
                add_product::<T, FUSED>(&mut sums[i], rows[i][l], &lines[l].0);
            }
        }
    }
    for l in whole..panel.len() {
        for i in 0..ROWS {
            add_product::<T, FUSED>(&mut sums[i], rows[i][l], &panel[l].0);
        }
    }
    let mut tile = [[T::ZERO; LANES]; STRIP];
    tile[..ROWS].copy_from_slice(&sums);
    tile
}

/// As [`of_rows`], from lines wherever they lie.
#[inline(always)]
pub(super) fn of_rows_and_lines<'a, T: Real, const FUSED: bool, const ROWS: usize>(
    rows: [&[T]; ROWS],
    panel: impl Iterator<Item = &'a [T; LANES]>,
) -> [[T; LANES]; STRIP] {
    let mut tile = [[T::ZERO; LANES]; STRIP];
    for (l, line) in panel.enumerate() {
        for i in 0..ROWS {
            add_product::<T, FUSED>(&mut tile[i], rows[i][l], line);
        }
    }
    tile
}

/// The first numbers of a slice that has them.
#[inline(always)]
fn fixed<T, const N: usize>(slice: &[T]) -> &[T; N] {
    slice[..N].try_into().expect("N of them")
}

#[inline(always)]
fn add_product<T: Real, const FUSED: bool>(sums: &mut [T; LANES], number: T, line: &[T; LANES]) {
    for (sum, &value) in sums.iter_mut().zip(line) {
        *sum = if FUSED {
            number.mul_add(value, *sum)
        } else {
            number * value + *sum
        };
    }
}
