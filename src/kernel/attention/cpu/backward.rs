//! The gradients of attention on the CPU.

use super::sums::{BLOCK, TILE, add_outer, exp_all, flush, products, weighted_sum};
use super::{Inputs, Rows, by_sample, rows_per_task, seen};
use crate::kernel::attention::STATISTICS;
use crate::kernel::attention::dropout::Factors;
use crate::kernel::base::Real;
use crate::kernel::base::simd::Vectorized;
use crate::threads::{for_chunk_pairs, for_chunks};

/// The weights and the gradients of the scores of one query, over some keys. Both have room for whole tiles.
struct Row<T> {
    weights: Vec<T>,
    dscores: Vec<T>,
}

impl<T: Real> Row<T> {
    fn new(keys: usize) -> Self {
        let zeros = vec![T::ZERO; keys.next_multiple_of(TILE)];
        Row {
            weights: zeros.clone(),
            dscores: zeros,
        }
    }

    /// Computes the first `end` elements from q and dy of the query, its statistics with δ, and the transposed keys and
    /// values. Dropout has the factors, the row of the weights, and the keys.
    #[inline(always)]
    fn compute<const FUSED: bool>(
        &mut self,
        [q, dy, statistics]: [&[T]; 3],
        [k, v]: [&[T]; 2],
        scale: T,
        end: usize,
        dropout: Option<(Factors, usize, &[usize])>,
    ) {
        let tiles = end.next_multiple_of(TILE);
        products::<T, FUSED>(q, k, &mut self.weights[..tiles]);
        products::<T, FUSED>(dy, v, &mut self.dscores[..tiles]);
        let (maximum, inverse, delta) = (statistics[0], statistics[1], statistics[2]);
        let weights = &mut self.weights[..end];
        for weight in weights.iter_mut() {
            *weight = *weight * scale - maximum;
        }
        exp_all(weights);
        if let Some((factors, row, keys)) = dropout {
            factors.apply(row, &keys[..end], &mut self.dscores[..end]);
        }
        for (weight, dscore) in weights.iter_mut().zip(&mut self.dscores[..end]) {
            *weight = *weight * inverse;
            *dscore = *weight * (*dscore - delta);
        }
        if let Some((factors, row, keys)) = dropout {
            factors.apply(row, &keys[..end], weights);
        }
    }
}

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
                T::vectorized(Queries {
                    inputs,
                    factors,
                    part,
                    dy,
                    y,
                    statistics: &mut statistics[skipped * saved.ld()..],
                    dq: &mut dq[skipped * shape.ld()..][..part.count * shape.ld()],
                });
            }
        },
    );
}

struct Queries<'a, T> {
    inputs: &'a Inputs<'a, T>,
    factors: Option<Factors>,
    part: Rows,
    dy: &'a [T],
    y: &'a [T],
    /// From the part's first row on.
    statistics: &'a mut [T],
    dq: &'a mut [T],
}

impl<T: Real> Vectorized for Queries<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (inputs, part) = (self.inputs, self.part);
        let heads = &inputs.heads;
        let (of_q, of_y, width) = (heads.q, heads.y(), heads.width);
        let scale = T::of(f64::from(heads.scale));
        let kept = inputs.kept(
            part.sample,
            0..heads.keys_of(part.position + part.count - 1),
        );
        let mut scores = Row::new(kept.len());
        let saved_ld = heads.statistics().ld();
        let is_last = of_q.first + heads.heads * width == of_q.cols;
        for row in self.dq.chunks_exact_mut(of_q.ld()).filter(|_| is_last) {
            of_q.pad(row);
        }
        for head in 0..heads.heads {
            let keys = inputs.keys(part.sample, head, &kept);
            let (k, plain) = (keys.transposed(), keys.plain());
            let v = inputs.values(part.sample, head, &kept).transposed();
            for (n, dq) in self.dq.chunks_exact_mut(of_q.ld()).enumerate() {
                let row = part.first + n;
                let start = of_y.start(row, head, heads.value_width);
                let dy = &self.dy[start..][..heads.value_width];
                let y = &self.y[start..][..heads.value_width];
                let delta = dy.iter().zip(y).fold(T::ZERO, |sum, (&a, &b)| sum + a * b);
                let at = n * saved_ld + head * STATISTICS;
                let statistics = &mut self.statistics[at..][..STATISTICS];
                statistics[2] = delta;
                let end = seen(&kept, heads.keys_of(part.position + n));
                let q = inputs.query(row, head);
                let of_weights = heads.weights_row(part.sample, head, part.position + n);
                let dropout = self.factors.map(|factors| (factors, of_weights, &kept[..]));
                scores.compute::<FUSED>([q, dy, statistics], [&k, &v], scale, end, dropout);
                let dq = &mut dq[of_q.first + head * width..][..width];
                weighted_sum::<T, FUSED>(&scores.dscores[..end], &plain, dq);
                dq.iter_mut().for_each(|dq| *dq = *dq * scale);
            }
        }
    }
}

/// Writes the gradients of keys and values that are matrices of their own.
pub(in crate::kernel::attention) fn keys_apart<T: Real>(
    inputs: &Inputs<'_, T>,
    dy: &[T],
    statistics: &[T],
    dk: &mut [T],
    dv: &mut [T],
) {
    let heads = &inputs.heads;
    let (of_k, of_v) = (heads.key_matrix(), heads.value_matrix());
    if of_k.floats() == 0 {
        return;
    }
    let rows = rows_per_task(heads.samples, heads.keys);
    for_chunk_pairs(
        &mut dk[..of_k.floats()],
        &mut dv[..of_v.floats()],
        [rows * of_k.ld(), rows * of_v.ld()],
        1,
        |i, dk, dv| {
            for part in by_sample(i * rows, dk.len() / of_k.ld(), heads.keys) {
                let skipped = part.first - i * rows;
                T::vectorized(Keys {
                    inputs,
                    part,
                    dy,
                    statistics,
                    dk: &mut dk[skipped * of_k.ld()..][..part.count * of_k.ld()],
                    dv: Some(&mut dv[skipped * of_v.ld()..][..part.count * of_v.ld()]),
                });
            }
        },
    );
}

/// Writes the gradients of keys and values that are slices of one matrix.
pub(in crate::kernel::attention) fn keys_together<T: Real>(
    inputs: &Inputs<'_, T>,
    dy: &[T],
    statistics: &[T],
    dkv: &mut [T],
) {
    let heads = &inputs.heads;
    let shape = heads.key_matrix();
    if shape.floats() == 0 {
        return;
    }
    let rows = rows_per_task(heads.samples, heads.keys);
    let dkv = &mut dkv[..shape.floats()];
    for_chunks(dkv, rows * shape.ld(), 1, |i, dkv| {
        for part in by_sample(i * rows, dkv.len() / shape.ld(), heads.keys) {
            let skipped = part.first - i * rows;
            T::vectorized(Keys {
                inputs,
                part,
                dy,
                statistics,
                dk: &mut dkv[skipped * shape.ld()..][..part.count * shape.ld()],
                dv: None,
            });
        }
    });
}

struct Keys<'a, T> {
    inputs: &'a Inputs<'a, T>,
    part: Rows,
    dy: &'a [T],
    statistics: &'a [T],
    dk: &'a mut [T],
    /// None if dk holds the gradients of the values too.
    dv: Option<&'a mut [T]>,
}

impl<T: Real> Vectorized for Keys<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(mut self) {
        let (inputs, part) = (self.inputs, self.part);
        let heads = &inputs.heads;
        let (of_y, widths) = (heads.y(), [heads.width, heads.value_width]);
        let scale = T::of(f64::from(heads.scale));
        let kept = inputs.kept(part.sample, part.position..part.position + part.count);
        let mut scores = Row::new(kept.len());
        let factors = Factors::of_statistics(heads, self.statistics);
        let saved_ld = heads.statistics().ld();
        let [mut dk, mut dv] = widths.map(|width| vec![T::ZERO; kept.len() * width]);
        let (mut dk_chains, mut dv_chains) = (dk.clone(), dv.clone());
        for head in 0..heads.heads {
            let k = inputs.keys(part.sample, head, &kept).transposed();
            let v = inputs.values(part.sample, head, &kept).transposed();
            dk.fill(T::ZERO);
            dv.fill(T::ZERO);
            for query in 0..heads.queries {
                let row = part.sample * heads.queries + query;
                let end = seen(&kept, heads.keys_of(query));
                let q = inputs.query(row, head);
                let dy = &self.dy[of_y.start(row, head, widths[1])..][..widths[1]];
                let statistics = &self.statistics[row * saved_ld + head * STATISTICS..];
                let of_weights = heads.weights_row(part.sample, head, query);
                let dropout = factors.map(|factors| (factors, of_weights, &kept[..]));
                scores.compute::<FUSED>([q, dy, statistics], [&k, &v], scale, end, dropout);
                add_outer::<T, FUSED>(&scores.weights[..end], dy, &mut dv_chains);
                add_outer::<T, FUSED>(&scores.dscores[..end], q, &mut dk_chains);
                if query % BLOCK == BLOCK - 1 {
                    flush(&mut dk_chains, &mut dk);
                    flush(&mut dv_chains, &mut dv);
                }
            }
            flush(&mut dk_chains, &mut dk);
            flush(&mut dv_chains, &mut dv);
            dk.iter_mut().for_each(|dk| *dk = *dk * scale);
            self.write(head, &kept, [&dk, &dv]);
        }
    }
}

impl<T: Real> Keys<'_, T> {
    /// Writes the gradients of the kept keys of a head, and zeros for the others.
    fn write(&mut self, head: usize, kept: &[usize], gradients: [&[T]; 2]) {
        let heads = &self.inputs.heads;
        let slices = [(heads.k, heads.width), (heads.v, heads.value_width)];
        for (number, ((slice, width), gradient)) in slices.into_iter().zip(gradients).enumerate() {
            let out = match (&mut self.dv, number) {
                (Some(dv), 1) => &mut **dv,
                _ => &mut *self.dk,
            };
            let mut next = 0;
            for (n, row) in out.chunks_exact_mut(slice.ld()).enumerate() {
                if slice.first + heads.heads * width == slice.cols {
                    slice.pad(row);
                }
                let row = &mut row[slice.first + head * width..][..width];
                if kept.get(next) == Some(&(self.part.position + n)) {
                    row.copy_from_slice(&gradient[next * width..][..width]);
                    next += 1;
                } else {
                    row.fill(T::ZERO);
                }
            }
        }
    }
}
