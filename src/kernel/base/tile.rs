//! Register tiles of sums, for products and convolutions on the CPU.

use super::real::Real;
use super::scratch::NR;

/// The sums of a tile: `ROWS` rows, each in vector registers.
pub(crate) type Tile<T, const ROWS: usize> = [[T; NR]; ROWS];

/// tile[i] += value(i)·row for every row of a tile.
///
/// The loops have fixed bounds, and few steps each: so the compiler unrolls them, and the tile stays in registers. It does
/// not unroll one loop over twelve rows, and calls functions where iterators are zipped and little is optimised.
#[expect(
    clippy::needless_range_loop,
    reason = "an iterator's methods may become calls"
)]
#[inline(always)]
pub(crate) fn add_products<T: Real, const FUSED: bool, const ROWS: usize>(
    tile: &mut Tile<T, ROWS>,
    value: impl Fn(usize) -> T,
    row: &[T; NR],
) {
    const { assert!(ROWS <= 18) };
    for i in 0..if ROWS < 6 { ROWS } else { 6 } {
        add_product::<T, FUSED>(&mut tile[i], value(i), row);
    }
    for i in 6..if ROWS < 12 { ROWS } else { 12 } {
        add_product::<T, FUSED>(&mut tile[i], value(i), row);
    }
    for i in 12..ROWS {
        add_product::<T, FUSED>(&mut tile[i], value(i), row);
    }
}

/// tiles[p][i] += value(i)·row(p) for every row of `P` tiles. Each value is loaded once for all of them.
#[expect(
    clippy::needless_range_loop,
    reason = "an iterator's methods may become calls"
)]
#[inline(always)]
pub(crate) fn add_products_to_all<
    'a,
    T: Real,
    const FUSED: bool,
    const ROWS: usize,
    const P: usize,
>(
    tiles: &mut [Tile<T, ROWS>; P],
    value: impl Fn(usize) -> T,
    row: impl Fn(usize) -> &'a [T; NR],
) {
    const { assert!(ROWS <= 12) };
    for i in 0..if ROWS < 6 { ROWS } else { 6 } {
        for p in 0..P {
            add_product::<T, FUSED>(&mut tiles[p][i], value(i), row(p));
        }
    }
    for i in 6..ROWS {
        for p in 0..P {
            add_product::<T, FUSED>(&mut tiles[p][i], value(i), row(p));
        }
    }
}

/// sums[j] += value·row[j].
#[inline(always)]
pub(crate) fn add_product<T: Real, const FUSED: bool>(sums: &mut [T; NR], value: T, row: &[T; NR]) {
    add_product_of_rows::<T, FUSED>(sums, &[value; NR], row);
}

/// sums[j] += a[j]·b[j].
#[inline(always)]
pub(crate) fn add_product_of_rows<T: Real, const FUSED: bool>(
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
