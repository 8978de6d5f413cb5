//! Attention on the CPU. Rows of a matrix are shared out to threads; every row is computed in the same way for any
//! number of threads.
//!
//! A task copies the kept keys of a head, one after the other, so that masked keys cost nothing: k and v transposed for
//! products with a query, which run along the keys, and as they are for weighted sums, which run along the columns.

pub(super) mod backward;
mod sums;

use super::dropout::Factors;
use super::{Heads, STATISTICS, Slice};
use crate::kernel::base::simd::Vectorized;
use crate::kernel::base::{Args, Real};
use crate::threads::{for_chunk_pairs, for_chunks};
use std::ops::Range;
use sums::{TILE, exponentials, products, weighted_sum};

/// The operands of all passes.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a, T> {
    pub(super) heads: Heads,
    pub(super) q: &'a [T],
    pub(super) k: &'a [T],
    pub(super) v: &'a [T],
    pub(super) mask: Option<&'a [T]>,
}

impl<'a, T: Real> Inputs<'a, T> {
    /// Takes q, k, v, and the mask if there is one.
    pub(super) fn read(heads: &Heads, args: &mut Args<'_, 'a, T>) -> Self {
        Inputs {
            heads: *heads,
            q: args.read(),
            k: args.read(),
            v: args.read(),
            mask: heads.masked.then(|| args.read()),
        }
    }

    /// The keys of a sample in this range that the mask keeps.
    fn kept(&self, sample: usize, keys: Range<usize>) -> Vec<usize> {
        let Some(mask) = self.mask else {
            return keys.collect();
        };
        let row = &mask[sample * self.heads.mask().ld()..];
        keys.filter(|&key| row[key] != T::ZERO).collect()
    }

    /// A head of one row of the queries.
    fn query(&self, row: usize, head: usize) -> &'a [T] {
        let Heads { q, width, .. } = self.heads;
        &self.q[q.start(row, head, width)..][..width]
    }

    /// k's head of these keys of a sample.
    fn keys(&self, sample: usize, head: usize, rows: &[usize]) -> Packed<'_, T> {
        let Heads { k, width, keys, .. } = self.heads;
        Packed {
            matrix: self.k,
            slice: k,
            width,
            head,
            first: sample * keys,
            rows: rows.to_vec(),
        }
    }

    /// v's head of these keys of a sample.
    fn values(&self, sample: usize, head: usize, rows: &[usize]) -> Packed<'_, T> {
        let Heads {
            v,
            value_width,
            keys,
            ..
        } = self.heads;
        Packed {
            matrix: self.v,
            slice: v,
            width: value_width,
            head,
            first: sample * keys,
            rows: rows.to_vec(),
        }
    }
}

impl Slice {
    /// The first float of a head of a row.
    fn start(self, row: usize, head: usize, width: usize) -> usize {
        row * self.ld() + self.first + head * width
    }

    /// Zeros the padding of a row behind its last column.
    fn pad<T: Real>(self, row: &mut [T]) {
        row[self.cols..].fill(T::ZERO);
    }
}

/// A head of some rows of a matrix, to be copied.
struct Packed<'a, T> {
    matrix: &'a [T],
    slice: Slice,
    width: usize,
    head: usize,
    /// First row of the sample.
    first: usize,
    rows: Vec<usize>,
}

impl<T: Real> Packed<'_, T> {
    fn row(&self, row: usize) -> &[T] {
        let start = self.slice.start(self.first + row, self.head, self.width);
        &self.matrix[start..][..self.width]
    }

    /// [rows, width].
    fn plain(&self) -> Vec<T> {
        let rows = self.rows.iter();
        rows.flat_map(|&row| self.row(row)).copied().collect()
    }

    /// [width, rows], of which the rows are padded with zeros to a multiple of [`TILE`].
    fn transposed(&self) -> Vec<T> {
        let stride = self.rows.len().next_multiple_of(TILE);
        let mut out = vec![T::ZERO; stride * self.width];
        for (j, &row) in self.rows.iter().enumerate() {
            for (c, &value) in self.row(row).iter().enumerate() {
                out[c * stride + j] = value;
            }
        }
        out
    }
}

/// Rows of one sample that a task computes.
#[derive(Clone, Copy)]
struct Rows {
    sample: usize,
    /// First row of the matrix.
    first: usize,
    /// Its position in the sample.
    position: usize,
    count: usize,
}

/// Splits the rows of a task, from `first` on, into those of each sample.
fn by_sample(first: usize, count: usize, length: usize) -> impl Iterator<Item = Rows> {
    let end = first + count;
    let mut row = first;
    std::iter::from_fn(move || {
        if row >= end {
            return None;
        }
        let sample = row / length;
        let until = end.min((sample + 1) * length);
        let rows = Rows {
            sample,
            first: row,
            position: row - sample * length,
            count: until - row,
        };
        row = until;
        Some(rows)
    })
}

/// Rows of a task: a whole sample, or, if there are few samples, a part of one that is worth the copies of its keys.
fn rows_per_task(samples: usize, length: usize) -> usize {
    const SAMPLES: usize = 16;
    const ROWS: usize = 32;
    if samples >= SAMPLES {
        length
    } else {
        ROWS.min(length)
    }
}

/// The forward pass.
pub(super) fn forward<T: Real>(
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
            T::vectorized(Forward {
                inputs,
                factors,
                part,
                y,
                statistics: statistics
                    .map(|s| &mut s[skipped * saved.ld()..][..part.count * saved.ld()]),
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
    y: &'a mut [T],
    statistics: Option<&'a mut [T]>,
}

impl<T: Real> Vectorized for Forward<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(mut self) {
        let (inputs, part) = (self.inputs, self.part);
        let heads = &inputs.heads;
        let (of_y, ld) = (heads.y(), heads.y().ld());
        let saved_ld = heads.statistics().ld();
        let scale = T::of(f64::from(heads.scale));
        let kept = inputs.kept(
            part.sample,
            0..heads.keys_of(part.position + part.count - 1),
        );
        let mut weights = vec![T::ZERO; kept.len().next_multiple_of(TILE)];
        for row in self.y.chunks_exact_mut(ld) {
            of_y.pad(row);
        }
        for head in 0..heads.heads {
            let k = inputs.keys(part.sample, head, &kept).transposed();
            let v = inputs.values(part.sample, head, &kept).plain();
            for (n, y) in self.y.chunks_exact_mut(ld).enumerate() {
                let y = &mut y[head * heads.value_width..][..heads.value_width];
                let end = seen(&kept, heads.keys_of(part.position + n));
                let q = inputs.query(part.first + n, head);
                let tiles = end.next_multiple_of(TILE);
                products::<T, FUSED>(q, &k, &mut weights[..tiles]);
                let scores = &mut weights[..tiles];
                let (maximum, sum) = exponentials(scores, end, scale);
                let inverse = if end == 0 { T::ZERO } else { T::ONE / sum };
                if let Some(factors) = &self.factors {
                    let row = heads.weights_row(part.sample, head, part.position + n);
                    factors.apply(row, &kept[..end], &mut weights[..end]);
                }
                weighted_sum::<T, FUSED>(&weights[..end], &v, y);
                y.iter_mut().for_each(|y| *y = *y * inverse);
                if let Some(statistics) = &mut self.statistics {
                    let at = n * saved_ld + head * STATISTICS;
                    let saved = [maximum, inverse, T::ZERO, T::ZERO];
                    statistics[at..][..STATISTICS].copy_from_slice(&saved);
                    if let Some(factors) = self.factors.filter(|_| head == 0) {
                        let at = n * saved_ld + heads.heads * STATISTICS;
                        statistics[at..][..STATISTICS].copy_from_slice(&factors.saved());
                    }
                }
            }
        }
    }
}

/// How many of these keys, in ascending order, are before the key `end`.
fn seen(kept: &[usize], end: usize) -> usize {
    kept.partition_point(|&key| key < end)
}
