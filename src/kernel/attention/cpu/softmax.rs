//! Softmax of rows of scores, and its gradient. Rows consist of whole tiles of [`NR`] scores.

use super::sums::BLOCK;
use crate::kernel::base::Real;
use crate::kernel::base::scratch::NR;

/// Multiplies the first `end` scores by the scale, and replaces them with exp(score − maximum); the others become 0.
/// Returns the maximum and the sum. A NaN is not the maximum, but stays, and makes the sum NaN.
#[inline(always)]
pub(super) fn exponentials<T: Real>(scores: &mut [T], end: usize, scale: T) -> (T, T) {
    let lowest = T::of(f64::from(f32::MIN));
    let (tiles, _) = scores.as_chunks_mut::<NR>();
    let mut maxima = [lowest; NR];
    for (number, tile) in tiles.iter_mut().enumerate() {
        for j in 0..NR {
            let score = tile[j] * scale;
            let score = if number * NR + j < end { score } else { lowest };
            tile[j] = score;
            maxima[j] = if score > maxima[j] { score } else { maxima[j] };
        }
    }
    let maximum = largest(maxima);
    let mut total = [T::ZERO; NR];
    for (block, tiles) in tiles.chunks_mut(BLOCK).enumerate() {
        let mut chains = [T::ZERO; NR];
        for (number, tile) in tiles.iter_mut().enumerate() {
            for j in 0..NR {
                let power = decay(tile[j] - maximum);
                let at = (block * BLOCK + number) * NR + j;
                tile[j] = if at < end { power } else { T::ZERO };
                chains[j] += tile[j];
            }
        }
        for j in 0..NR {
            total[j] += chains[j];
        }
    }
    (maximum, sum_of_tile(total))
}

/// Replaces scores of a query by its weights, exp(scale·score − maximum)·inverse.
#[inline(always)]
pub(super) fn weights<T: Real>(scores: &mut [T], [maximum, inverse]: [T; 2], scale: T) {
    let (tiles, _) = scores.as_chunks_mut::<NR>();
    for tile in tiles {
        for score in tile {
            *score = decay(*score * scale - maximum) * inverse;
        }
    }
}

/// Replaces the gradients of weights by those of scores, weight·(gradient − δ).
#[inline(always)]
pub(super) fn score_gradients<T: Real>(weights: &[T], gradients: &mut [T], delta: T) {
    let (gradients, _) = gradients.as_chunks_mut::<NR>();
    let (weights, _) = weights.as_chunks::<NR>();
    for (gradients, weights) in gradients.iter_mut().zip(weights) {
        for j in 0..NR {
            gradients[j] = weights[j] * (gradients[j] - delta);
        }
    }
}

/// exp of a difference from a maximum. Below −87, where it leaves the normal numbers of `f32`, it is 0.
#[inline(always)]
fn decay<T: Real>(difference: T) -> T {
    if difference < T::of(-87.0) {
        T::ZERO
    } else {
        difference.quick_exp()
    }
}

/// The largest number of a tile without NaN.
#[inline(always)]
fn largest<T: Real>(mut tile: [T; NR]) -> T {
    let mut count = NR;
    while count > 1 {
        count /= 2;
        for i in 0..count {
            let (a, b) = (tile[i], tile[i + count]);
            tile[i] = if b > a { b } else { a };
        }
    }
    tile[0]
}

/// Sum of a tile, neighbours first.
#[inline(always)]
fn sum_of_tile<T: Real>(mut tile: [T; NR]) -> T {
    let mut count = NR;
    while count > 1 {
        count /= 2;
        for i in 0..count {
            tile[i] = tile[2 * i] + tile[2 * i + 1];
        }
    }
    tile[0]
}
