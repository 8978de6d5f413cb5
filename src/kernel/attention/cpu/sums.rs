//! Products and sums of one row of scores.

use crate::kernel::base::Real;

/// Keys that [`products`] multiplies at once.
pub(super) const TILE: usize = 16;

/// Terms of a chain in a sum; the chains are added to the total in order.
pub(super) const BLOCK: usize = 64;

/// a·b + c, rounded once if that is an instruction.
#[inline(always)]
fn multiply_add<T: Real, const FUSED: bool>(a: T, b: T, c: T) -> T {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// out[j] = Σ x[c]·transposed[c, j]. The columns are padded to a multiple of [`TILE`], and out has whole tiles of them.
#[inline(always)]
pub(super) fn products<T: Real, const FUSED: bool>(x: &[T], transposed: &[T], out: &mut [T]) {
    let stride = transposed.len() / x.len();
    for (tile, out) in out.chunks_exact_mut(TILE).enumerate() {
        let mut sum = [T::ZERO; TILE];
        for (c, &x) in x.iter().enumerate() {
            let row = &transposed[c * stride + tile * TILE..][..TILE];
            for (sum, &value) in sum.iter_mut().zip(row) {
                *sum = multiply_add::<T, FUSED>(x, value, *sum);
            }
        }
        out.copy_from_slice(&sum);
    }
}

/// Multiplies the first `end` products, of whole tiles, by the scale, and replaces them with exp(score − maximum); the
/// others become 0. Returns the maximum and the sum. A NaN is not the maximum, but stays, and makes the sum NaN.
#[inline(always)]
pub(super) fn exponentials<T: Real>(scores: &mut [T], end: usize, scale: T) -> (T, T) {
    let lowest = T::of(f64::from(f32::MIN));
    scores[end..].fill(lowest);
    scores[..end]
        .iter_mut()
        .for_each(|score| *score = *score * scale);
    let mut maxima = [lowest; TILE];
    for tile in scores.chunks_exact(TILE) {
        for (maximum, &score) in maxima.iter_mut().zip(tile) {
            *maximum = maximum.max(score);
        }
    }
    let maximum = maxima.iter().fold(lowest, |all, &one| all.max(one));
    scores
        .iter_mut()
        .for_each(|score| *score = *score - maximum);
    exp_all(scores);
    scores[end..].fill(T::ZERO);
    let mut total = [T::ZERO; TILE];
    for block in scores.chunks(BLOCK * TILE) {
        let mut chains = [T::ZERO; TILE];
        for tile in block.chunks_exact(TILE) {
            for (chain, &term) in chains.iter_mut().zip(tile) {
                *chain += term;
            }
        }
        flush(&mut chains, &mut total);
    }
    (maximum, sum_of_tile(total))
}

/// Replaces differences from a maximum by their exponentials. Below −87, where these leave the normal numbers of `f32`,
/// they are 0.
#[inline(always)]
pub(super) fn exp_all<T: Real>(differences: &mut [T]) {
    let lowest = T::of(-87.0);
    for x in differences {
        *x = if *x < lowest { T::ZERO } else { x.quick_exp() };
    }
}

/// Sum of a tile, neighbours first.
#[inline(always)]
fn sum_of_tile<T: Real>(mut tile: [T; TILE]) -> T {
    let mut count = TILE;
    while count > 1 {
        count /= 2;
        for i in 0..count {
            tile[i] = tile[2 * i] + tile[2 * i + 1];
        }
    }
    tile[0]
}

/// out[c] = Σ weights[j]·rows[j, c], where out is as wide as the rows.
#[inline(always)]
pub(super) fn weighted_sum<T: Real, const FUSED: bool>(weights: &[T], rows: &[T], out: &mut [T]) {
    let (width, mut first) = (out.len(), 0);
    while first < width {
        first += match width - first {
            16.. => columns::<T, FUSED, 16>(weights, rows, first, out),
            4.. => columns::<T, FUSED, 4>(weights, rows, first, out),
            _ => columns::<T, FUSED, 1>(weights, rows, first, out),
        };
    }
}

/// `N` columns of [`weighted_sum`]; returns their number.
#[inline(always)]
fn columns<T: Real, const FUSED: bool, const N: usize>(
    weights: &[T],
    rows: &[T],
    first: usize,
    out: &mut [T],
) -> usize {
    let width = out.len();
    let mut total = [T::ZERO; N];
    let blocks = rows.chunks(BLOCK * width);
    for (weights, rows) in weights.chunks(BLOCK).zip(blocks) {
        let mut chain = [T::ZERO; N];
        for (&weight, row) in weights.iter().zip(rows.chunks_exact(width)) {
            let row = &row[first..first + N];
            for (sum, &value) in chain.iter_mut().zip(row) {
                *sum = multiply_add::<T, FUSED>(weight, value, *sum);
            }
        }
        for (total, &chain) in total.iter_mut().zip(&chain) {
            *total += chain;
        }
    }
    out[first..first + N].copy_from_slice(&total);
    N
}

/// rows[j, c] += weights[j]·x[c].
#[inline(always)]
pub(super) fn add_outer<T: Real, const FUSED: bool>(weights: &[T], x: &[T], rows: &mut [T]) {
    for (&weight, row) in weights.iter().zip(rows.chunks_exact_mut(x.len())) {
        for (sum, &x) in row.iter_mut().zip(x) {
            *sum = multiply_add::<T, FUSED>(weight, x, *sum);
        }
    }
}

/// Adds chains to totals, and sets the chains to 0.
#[inline(always)]
pub(super) fn flush<T: Real>(chains: &mut [T], totals: &mut [T]) {
    for (total, chain) in totals.iter_mut().zip(chains) {
        *total += std::mem::take(chain);
    }
}
