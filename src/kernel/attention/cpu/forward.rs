//! The forward pass of attention on the CPU.

use super::packed::{Buffers, room, take, with_buffers};
use super::softmax::exponentials;
use super::sums::{products, weighted_sums};
use super::{Inputs, ROWS, Rows, WIDE_ROWS, by_sample, rows_from, rows_per_task};
use crate::kernel::attention::STATISTICS;
use crate::kernel::attention::dropout::Factors;
use crate::kernel::base::Real;
use crate::kernel::base::scratch::{NR, SimdRow};
use crate::kernel::base::simd::Vectorized;
use crate::threads::{for_chunk_pairs, for_chunks};
use std::ops::Range;

/// Writes y, and the statistics if there is room for them.
pub(in crate::kernel::attention) fn forward<T: Real>(
    inputs: &Inputs<'_, T>,
    factors: Option<Factors>,
    y: &mut [T],
    statistics: Option<&mut [T]>,
) {
    let heads = &inputs.heads;
    let (shape, saved) = (heads.result(), heads.statistics());
    if shape.floats() == 0 {
        return;
    }
    let rows = rows_per_task(heads.samples, heads.queries);
    let y = &mut y[..shape.floats()];
    let task = |i: usize, y: &mut [T], mut statistics: Option<&mut [T]>| {
        for part in by_sample(i * rows, y.len() / shape.ld(), heads.queries) {
            let skipped = part.first - i * rows;
            let y = &mut y[skipped * shape.ld()..][..part.count * shape.ld()];
            let statistics = statistics.as_deref_mut();
            with_buffers(|buffers| {
                T::vectorized(Forward {
                    inputs,
                    factors,
                    part,
                    y,
                    statistics: statistics
                        .map(|s| &mut s[skipped * saved.ld()..][..part.count * saved.ld()]),
                    buffers,
                });
            });
        }
    };
    match statistics {
        None => for_chunks(y, rows * shape.ld(), 1, |i, y| task(i, y, None)),
        Some(statistics) => for_chunk_pairs(
            y,
            &mut statistics[..saved.floats()],
            [rows * shape.ld(), rows * saved.ld()],
            1,
            |i, y, statistics| task(i, y, Some(statistics)),
        ),
    }
}

struct Forward<'a, T> {
    inputs: &'a Inputs<'a, T>,
    factors: Option<Factors>,
    part: Rows,
    buffers: Buffers<'a, T>,
    y: &'a mut [T],
    statistics: Option<&'a mut [T]>,
}

impl<T: Real> Vectorized for Forward<'_, T> {
    const WIDE: bool = true;

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        self.blocks::<FUSED, ROWS>();
    }

    #[inline(always)]
    fn run_wide(self) {
        self.blocks::<true, WIDE_ROWS>();
    }
}

impl<T: Real> Forward<'_, T> {
    /// Computes the part in blocks of `ROWS` queries.
    #[inline(always)]
    fn blocks<const FUSED: bool, const ROWS: usize>(mut self) {
        let (inputs, part) = (self.inputs, self.part);
        let heads = &inputs.heads;
        let (of_y, ld) = (heads.y(), heads.y().ld());
        let saved_ld = heads.statistics().ld();
        let scale = T::of(f64::from(heads.scale));
        let seen = 0..heads.keys_of(part.position + part.count - 1);
        let kept = inputs.kept(part.sample, seen);
        let all_ends = inputs.ends(part.positions(), &kept);
        let stride = kept.len().next_multiple_of(NR).max(NR);
        for row in self.y.chunks_exact_mut(ld) {
            of_y.pad(row);
        }
        let (panels, values) = self.buffers;
        let weights = room(values, ROWS * stride);
        for head in 0..heads.heads {
            let q = inputs.queries(part.sample, head);
            let of_k = inputs.keys(part.sample, head);
            let of_v = inputs.values(part.sample, head);
            let counts = [of_k.transposed(kept.len()), of_v.packed(kept.len())];
            let [k, v] = take(panels, counts);
            of_k.transpose(&kept, k);
            of_v.pack(kept.iter().copied(), v);
            for first in (0..part.count).step_by(ROWS) {
                let numbers = rows_from::<ROWS>(first, part.count);
                let count = ROWS.min(part.count - first);
                let ends = numbers.map(|n| all_ends[n]);
                let q = numbers.map(|n| q.row(part.position + n));
                let tiles = ends[ROWS - 1].div_ceil(NR);
                products::<T, FUSED, ROWS>(&q, k, tiles, weights, stride);
                let mut inverses = [T::ZERO; ROWS];
                let rows = weights.chunks_exact_mut(stride).take(count);
                for (r, weights) in rows.enumerate() {
                    let (n, end) = (first + r, ends[r]);
                    let weights = &mut weights[..end.next_multiple_of(NR)];
                    let (maximum, sum) = exponentials(weights, end, scale);
                    if end > 0 {
                        inverses[r] = T::ONE / sum;
                    }
                    if let Some(factors) = &self.factors {
                        let row = heads.weights_row(part.sample, head, part.position + n);
                        factors.apply(row, &kept[..end], &mut weights[..end]);
                    }
                    if let Some(statistics) = &mut self.statistics {
                        let statistics = &mut statistics[n * saved_ld..][..saved_ld];
                        let saved = [maximum, inverses[r], T::ZERO, T::ZERO];
                        statistics[head * STATISTICS..][..STATISTICS].copy_from_slice(&saved);
                        if let Some(factors) = self.factors.filter(|_| head == 0) {
                            let at = heads.heads * STATISTICS;
                            statistics[at..][..STATISTICS].copy_from_slice(&factors.saved());
                        }
                    }
                }
                let y = &mut self.y[first * ld..][..count * ld];
                let weights = row_slices::<T, ROWS>(weights, stride);
                let panels = v.chunks_exact(kept.len().max(1));
                let start = head * heads.value_width;
                let sums = WeightedSums {
                    weights,
                    ends,
                    factors: inverses,
                };
                sums.write::<FUSED>(panels, (y, ld), start..start + heads.value_width);
            }
        }
    }
}

/// The first rows of a matrix whose rows are `stride` apart.
#[inline(always)]
pub(super) fn row_slices<T, const ROWS: usize>(matrix: &[T], stride: usize) -> [&[T]; ROWS] {
    std::array::from_fn(|r| &matrix[r * stride..][..stride])
}

/// Sums of the rows of panels, with a row of weights and a factor for each row of the result.
pub(super) struct WeightedSums<'a, T, const ROWS: usize> {
    pub(super) weights: [&'a [T]; ROWS],
    /// How many weights of each row count.
    pub(super) ends: [usize; ROWS],
    pub(super) factors: [T; ROWS],
}

impl<T: Real, const ROWS: usize> WeightedSums<'_, T, ROWS> {
    /// Writes the columns of a head into rows that are `ld` apart; zeros where there are no keys, and so no panels.
    #[inline(always)]
    pub(super) fn write<'p, const FUSED: bool>(
        &self,
        panels: impl Iterator<Item = &'p [SimdRow<T>]>,
        (out, ld): (&mut [T], usize),
        mut columns: Range<usize>,
    ) where
        T: 'p,
    {
        for panel in panels {
            let sums = weighted_sums::<T, FUSED, ROWS>(&self.weights, &self.ends, panel);
            let (from, until) = (columns.start, columns.end.min(columns.start + NR));
            for (r, out) in out.chunks_exact_mut(ld).enumerate() {
                for (out, &sum) in out[from..until].iter_mut().zip(&sums[r]) {
                    *out = sum * self.factors[r];
                }
            }
            columns.start = until;
        }
        for out in out.chunks_exact_mut(ld) {
            out[columns.clone()].fill(T::ZERO);
        }
    }
}
