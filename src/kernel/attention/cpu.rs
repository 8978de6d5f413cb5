//! Attention on the CPU. Rows of a matrix are shared out to threads; every row is computed in the same way for any
//! number of threads.
//!
//! A task works on one head of one sample at a time. It packs the kept keys, one after the other, so that masked keys
//! cost nothing: into panels for products with queries, whose SIMD rows run along the keys, and into panels for weighted
//! sums, whose SIMD rows run along the columns. Then it computes several rows of scores at once, so that their sums are
//! independent chains in registers. Each sum is the same chain for any number of rows at once.

mod backward;
pub(super) mod forward;
pub(super) mod keys;
mod packed;
pub(super) mod queries;
mod softmax;
mod sums;

use super::{Heads, Slice};
use crate::kernel::base::{Args, Real};
use packed::HeadRows;
use std::ops::Range;

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

    /// For each of these queries, how many of the kept keys it sees: they are the first ones.
    fn ends(&self, queries: Range<usize>, kept: &[usize]) -> Vec<usize> {
        let seen = |query| kept.partition_point(|&key| key < self.heads.keys_of(query));
        queries.map(seen).collect()
    }

    /// q's head of the queries of a sample.
    fn queries(&self, sample: usize, head: usize) -> HeadRows<'a, T> {
        let Heads {
            q, width, queries, ..
        } = self.heads;
        HeadRows::new(self.q, q, [head, width], sample * queries)
    }

    /// k's head of the keys of a sample.
    fn keys(&self, sample: usize, head: usize) -> HeadRows<'a, T> {
        let Heads { k, width, keys, .. } = self.heads;
        HeadRows::new(self.k, k, [head, width], sample * keys)
    }

    /// v's head of the keys of a sample.
    fn values(&self, sample: usize, head: usize) -> HeadRows<'a, T> {
        let Heads {
            v,
            value_width,
            keys,
            ..
        } = self.heads;
        HeadRows::new(self.v, v, [head, value_width], sample * keys)
    }

    /// The head of a matrix like y, of the queries of a sample.
    fn results<'y>(&self, y: &'y [T], sample: usize, head: usize) -> HeadRows<'y, T> {
        let heads = &self.heads;
        let first = sample * heads.queries;
        HeadRows::new(y, heads.y(), [head, heads.value_width], first)
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

impl Rows {
    /// Positions in the sample.
    fn positions(&self) -> Range<usize> {
        self.position..self.position + self.count
    }
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

/// Rows of scores that are computed at once, and keys whose gradients are. Eight chains of sums keep two units for fused
/// multiply-adds busy: so many registers of sixteen `f32`, or twice as many of eight.
const ROWS: usize = 4;
const WIDE_ROWS: usize = 8;

/// `ROWS` rows from `first` on, of `count`. Rows past the last repeat it.
#[inline(always)]
fn rows_from<const ROWS: usize>(first: usize, count: usize) -> [usize; ROWS] {
    std::array::from_fn(|r| (first + r).min(count - 1))
}
