//! The product of one row in layout NT: C[j] = Σₖ a[k]·B[j, k], a dot product for each column. A tile would use one of
//! its sixteen columns.
//!
//! a [K], B [N, K], C [N]. The sum of a block takes `CHAINS` vectors of `NR` partial sums:
//!
//! ```text
//! k:      0 .. 15 │ 16 .. 31 │ 32 .. 47 │ 48 .. 63 │ 64 .. 79 │ …
//! chain:     0    │     1    │     2    │     3    │     0    │ …   each a vector of NR sums
//! ```

use super::cut::TASK_FMAS;
use super::sizes::NR;
use crate::kernel::base::Real;
use crate::kernel::base::simd::Vectorized;
use crate::kernel::base::tile::add_product_of_rows;
use crate::threads::for_chunks;

/// Vectors of sums that are independent of each other, so that their additions overlap.
const CHAINS: usize = 4;
/// Terms of a block: 64 for each element of each chain.
const BLOCK: usize = 64 * CHAINS * NR;
/// Terms of a group of blocks.
const GROUP: usize = 16 * BLOCK;

/// Computes C[j] for all of `c`, in parallel where that is worth it, and calls `finish(0, first column, values)` for
/// each part.
pub(super) fn product<T: Real>(
    a: &[T],
    b: &[T],
    ld: usize,
    c: &mut [T],
    finish: &(impl Fn(usize, usize, &mut [T]) + Sync),
) {
    let columns = (TASK_FMAS / a.len().max(1)).max(1);
    let part = |i: usize, c: &mut [T]| {
        let first = i * columns;
        let b = &b[first * ld..];
        T::vectorized(Dots { a, b, ld, c });
        finish(0, first, c);
    };
    if c.len() <= columns {
        part(0, c);
    } else {
        for_chunks(c, columns, 1, part);
    }
}

struct Dots<'a, T> {
    a: &'a [T],
    b: &'a [T],
    ld: usize,
    c: &'a mut [T],
}

impl<T: Real> Vectorized for Dots<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (j, c) in self.c.iter_mut().enumerate() {
            *c = dot::<T, FUSED>(self.a, &self.b[j * self.ld..][..self.a.len()]);
        }
    }
}

/// Σₖ a[k]·b[k] in blocks and groups of blocks, in an order that depends on the length alone.
#[inline(always)]
fn dot<T: Real, const FUSED: bool>(a: &[T], b: &[T]) -> T {
    if a.len() <= BLOCK {
        return block::<T, FUSED>(a, b);
    }
    let groups = a.chunks(GROUP).zip(b.chunks(GROUP));
    groups.fold(T::ZERO, |sum, (a, b)| sum + group::<T, FUSED>(a, b))
}

/// The sum of a group, block by block.
#[inline(always)]
fn group<T: Real, const FUSED: bool>(a: &[T], b: &[T]) -> T {
    let blocks = a.chunks(BLOCK).zip(b.chunks(BLOCK));
    blocks.fold(T::ZERO, |sum, (a, b)| sum + block::<T, FUSED>(a, b))
}

/// The sum of a block: interleaved chains, then the sum of the chains, then that of their elements.
#[inline(always)]
fn block<T: Real, const FUSED: bool>(a: &[T], b: &[T]) -> T {
    let mut chains = [[T::ZERO; NR]; CHAINS];
    let (mut a, mut b) = (a.chunks_exact(NR * CHAINS), b.chunks_exact(NR * CHAINS));
    for (a, b) in a.by_ref().zip(b.by_ref()) {
        for i in 0..CHAINS {
            add_product_of_rows::<T, FUSED>(&mut chains[i], row(&a[i * NR..]), row(&b[i * NR..]));
        }
    }
    let rest = a.remainder().chunks(NR).zip(b.remainder().chunks(NR));
    for (chain, (a, b)) in chains.iter_mut().zip(rest) {
        let whole = NR.min(a.len());
        let (mut of_a, mut of_b) = ([T::ZERO; NR], [T::ZERO; NR]);
        of_a[..whole].copy_from_slice(a);
        of_b[..whole].copy_from_slice(b);
        let mut sums = *chain;
        add_product_of_rows::<T, FUSED>(&mut sums, &of_a, &of_b);
        // Sums without a term stay as they are.
        chain[..whole].copy_from_slice(&sums[..whole]);
    }
    let mut totals = chains[0];
    for chain in &chains[1..] {
        for (total, &sum) in totals.iter_mut().zip(chain) {
            *total += sum;
        }
    }
    totals.into_iter().fold(T::ZERO, |sum, total| sum + total)
}

/// The first `NR` values.
#[inline(always)]
fn row<T>(values: &[T]) -> &[T; NR] {
    values[..NR].try_into().expect("NR values")
}
