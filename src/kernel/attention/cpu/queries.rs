//! The gradient of attention's queries on the CPU.

use super::backward::ScoreRow;
use super::forward::{WeightedSums, row_slices};
use super::packed::{Buffers, room, take, with_buffers};
use super::sums::products;
use super::{Inputs, ROWS, Rows, WIDE_ROWS, by_sample, rows_from, rows_per_task};
use crate::kernel::attention::STATISTICS;
use crate::kernel::attention::dropout::Factors;
use crate::kernel::base::Real;
use crate::kernel::base::scratch::NR;
use crate::kernel::base::simd::Vectorized;
use crate::threads::for_chunk_pairs;

/// Writes the gradient of the queries, and δ to the statistics.
pub(in crate::kernel::attention) fn queries<T: Real>(
    inputs: &Inputs<'_, T>,
    dy: &[T],
    y: &[T],
    statistics: &mut [T],
    dq: &mut [T],
) {
    let heads = &inputs.heads;
    let (shape, saved) = (heads.query_matrix(), heads.statistics());
    if shape.floats() == 0 {
        return;
    }
    let rows = rows_per_task(heads.samples, heads.queries);
    let factors = Factors::of_statistics(heads, statistics);
    for_chunk_pairs(
        &mut dq[..shape.floats()],
        &mut statistics[..saved.floats()],
        [rows * shape.ld(), rows * saved.ld()],
        1,
        |i, dq, statistics| {
            for part in by_sample(i * rows, dq.len() / shape.ld(), heads.queries) {
                let skipped = part.first - i * rows;
                with_buffers(|buffers| {
                    T::vectorized(Queries {
                        inputs,
                        factors,
                        part,
                        dy,
                        y,
                        statistics: &mut statistics[skipped * saved.ld()..],
                        dq: &mut dq[skipped * shape.ld()..][..part.count * shape.ld()],
                        buffers,
                    });
                });
            }
        },
    );
}

struct Queries<'a, T> {
    inputs: &'a Inputs<'a, T>,
    factors: Option<Factors>,
    part: Rows,
    buffers: Buffers<'a, T>,
    dy: &'a [T],
    y: &'a [T],
    /// From the part's first row on.
    statistics: &'a mut [T],
    dq: &'a mut [T],
}

impl<T: Real> Vectorized for Queries<'_, T> {
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

impl<T: Real> Queries<'_, T> {
    /// Computes the part in blocks of `ROWS` queries.
    #[inline(always)]
    fn blocks<const FUSED: bool, const ROWS: usize>(self) {
        let (inputs, part) = (self.inputs, self.part);
        let heads = &inputs.heads;
        let (of_q, width) = (heads.q, heads.width);
        let scale = T::of(f64::from(heads.scale));
        let seen = 0..heads.keys_of(part.position + part.count - 1);
        let kept = inputs.kept(part.sample, seen);
        let all_ends = inputs.ends(part.positions(), &kept);
        let stride = kept.len().next_multiple_of(NR).max(NR);
        let (saved_ld, ld) = (heads.statistics().ld(), of_q.ld());
        let is_last = of_q.first + heads.heads * width == of_q.cols;
        for row in self.dq.chunks_exact_mut(ld).filter(|_| is_last) {
            of_q.pad(row);
        }
        let (panels, values) = self.buffers;
        let (scores, gradients) = room(values, 2 * ROWS * stride).split_at_mut(ROWS * stride);
        for head in 0..heads.heads {
            let q = inputs.queries(part.sample, head);
            let y = inputs.results(self.y, part.sample, head);
            let dy = inputs.results(self.dy, part.sample, head);
            let of_k = inputs.keys(part.sample, head);
            let of_v = inputs.values(part.sample, head);
            let counts = [
                of_k.transposed(kept.len()),
                of_v.transposed(kept.len()),
                of_k.packed(kept.len()),
            ];
            let [k, v, packed] = take(panels, counts);
            of_k.transpose(&kept, k);
            of_v.transpose(&kept, v);
            of_k.pack(kept.iter().copied(), packed);
            for first in (0..part.count).step_by(ROWS) {
                let numbers = rows_from::<ROWS>(first, part.count);
                let count = ROWS.min(part.count - first);
                let ends = numbers.map(|n| all_ends[n]);
                let tiles = ends[ROWS - 1].div_ceil(NR);
                let q = numbers.map(|n| q.row(part.position + n));
                let dy = numbers.map(|n| dy.row(part.position + n));
                products::<T, FUSED, ROWS>(&q, k, tiles, scores, stride);
                products::<T, FUSED, ROWS>(&dy, v, tiles, gradients, stride);
                for r in 0..count {
                    let n = first + r;
                    let y = y.row(part.position + n);
                    let terms = dy[r].iter().zip(y);
                    let delta = terms.fold(T::ZERO, |sum, (&a, &b)| sum + a * b);
                    let at = n * saved_ld + head * STATISTICS;
                    let statistics = &mut self.statistics[at..][..STATISTICS];
                    statistics[2] = delta;
                    let of_weights = heads.weights_row(part.sample, head, part.position + n);
                    let row = ScoreRow {
                        end: ends[r],
                        statistics,
                        scale,
                        dropout: self.factors.map(|f| (f, of_weights, &kept[..])),
                    };
                    let at = r * stride..(r + 1) * stride;
                    row.finish(&mut scores[at.clone()], &mut gradients[at]);
                }
                let dq = &mut self.dq[first * ld..][..count * ld];
                let gradients = row_slices::<T, ROWS>(gradients, stride);
                let start = of_q.first + head * width;
                let panels = packed.chunks_exact(kept.len().max(1));
                let sums = WeightedSums {
                    weights: gradients,
                    ends,
                    factors: [scale; ROWS],
                };
                sums.write::<FUSED>(panels, (dq, ld), start..start + width);
            }
        }
    }
}
