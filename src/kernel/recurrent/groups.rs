//! Groups of samples, which the CPU twins compute independently of one another, and the product of a step.

use super::sequence::Sequence;
use crate::kernel::base::Real;
use crate::kernel::base::product::Layout;
use crate::kernel::matmul::{Matmul, gemm};
use crate::threads;
use std::ops::Range;

/// Most samples of a group, a whole number of tiles: their values of a step stay in the first-level caches, and each
/// panel of weights serves several tiles.
pub(super) const MOST: usize = 16;

/// Fewest samples of a group, if there are so many: a product of fewer rows waits for its own sums.
const LEAST: usize = 4;

/// Rows of all products of a call from which the weights are packed. Packing takes as long as a few rows.
const PACKED_ROWS: usize = 12;

/// The samples of a group. More groups than threads, so that other threads can help one that is held up.
pub(super) fn group_size(batch: usize) -> usize {
    batch.div_ceil(2 * threads::count()).clamp(LEAST, MOST)
}

/// Calls `each(samples, outputs)` for groups of samples, in parallel within a pool. Each output has equal parts for all
/// samples, or is empty.
pub(super) fn for_groups<T: Real, const N: usize>(
    samples: Range<usize>,
    size: usize,
    outputs: [&mut [T]; N],
    each: &(impl Fn(Range<usize>, [&mut [T]; N]) + Sync),
) {
    let count = samples.len();
    if count <= size {
        return each(samples, outputs);
    }
    let left = count.div_ceil(size) / 2 * size;
    let middle = samples.start + left;
    let mut high: [&mut [T]; N] = std::array::from_fn(|_| Default::default());
    let mut low = outputs;
    for (low, high) in low.iter_mut().zip(&mut high) {
        let len = low.len() / count * left;
        (*low, *high) = std::mem::take(low).split_at_mut(len);
    }
    threads::join(
        || for_groups(samples.start..middle, size, low, each),
        || for_groups(middle..samples.end, size, high, each),
    );
}

/// The weights V [G·H, H], as the products of all steps of a call read them.
pub(super) enum Weights<'a, T> {
    /// Packed once. A product takes at most so many threads.
    Packed(gemm::Packed<'a, T>, usize),
    /// For a single sample or few rows.
    InPlace(&'a [T], Layout),
}

impl<T: Real> Weights<'_, T> {
    /// Calls `work` with the weights for products of `steps` steps: h·Vᵀ in layout NT, dz·V in NN; and with the number
    /// of samples in a group.
    pub(super) fn with(
        sequence: &Sequence,
        steps: usize,
        layout: Layout,
        weights: &[T],
        work: impl FnOnce(&Weights<'_, T>, usize),
    ) {
        let Sequence { batch, hidden, .. } = *sequence;
        // One sample alone is a dot product for each gate: no matrix is faster to read than the weights.
        if batch == 1 || batch * steps < PACKED_ROWS {
            return work(&Weights::InPlace(weights, layout), batch);
        }
        let gates = sequence.gates().cols;
        let (n, k) = match layout {
            Layout::NT => (gates, hidden),
            Layout::NN | Layout::TN => (hidden, gates),
        };
        let size = group_size(batch);
        let threads = threads::count() / batch.div_ceil(size);
        gemm::with_packed(layout, n, k, weights, |packed| {
            work(&Weights::Packed(packed, threads.max(1)), size);
        });
    }

    /// The product of these rows, into rows of `n` columns.
    pub(super) fn product(&self, rows: &[&[T]], n: usize, out: &mut [T]) {
        match *self {
            Weights::Packed(packed, threads) => packed.product(rows, threads, out),
            Weights::InPlace(weights, layout) => {
                let k = rows.first().map_or(0, |row| row.len());
                let call = Matmul::plain(rows.len(), n, k, layout);
                let mut a = vec![T::ZERO; call.a().floats()];
                for (to, from) in a.chunks_exact_mut(call.a().ld().max(1)).zip(rows) {
                    to[..k].copy_from_slice(from);
                }
                gemm::product(&call, &a, weights, out, |_, _, _| {});
            }
        }
    }
}

/// Calls `work` with as many zeros, from memory that the thread keeps.
pub(super) fn with_zeros<T: Real>(count: usize, work: impl FnOnce(&[T])) {
    let mut zeros = T::scratch(|scratch| scratch.zeros.take());
    if zeros.len() < count {
        zeros.resize(count, T::ZERO);
    }
    work(&zeros[..count]);
    T::scratch(|scratch| scratch.zeros.set(zeros));
}

/// Calls `work` with as many values of any content, from memory that the thread keeps.
pub(super) fn with_rows<T: Real>(count: usize, work: impl FnOnce(&mut [T])) {
    let mut rows = T::scratch(|scratch| scratch.rows.take());
    if rows.len() < count {
        rows.resize(count, T::ZERO);
    }
    work(&mut rows[..count]);
    T::scratch(|scratch| scratch.rows.set(rows));
}
