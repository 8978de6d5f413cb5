//! Cascade sums: long sums in a fixed order whose rounding error grows like log n. CPU twin of
//! `shaders/base/cascade.wgsl`.
//!
//! Eight terms are summed in pairs to a leaf. Sixteen leaves make one value of level 1, sixteen of those one of level
//! 2, and so on. A term passes through 3 additions in its leaf and at most 15 in each of ⌈log₁₆(n/8)⌉ levels, and the
//! levels are joined in at most 4. That is at most 4·log₂ n roundings of half a ULP each, so for n ≤ 2²³ terms
//!
//! |computed − Σxᵢ| ≤ 2·log₂ n ULP of Σ|xᵢ|, to first order,
//!
//! for any terms. The shader has only four levels, to save registers. Its last level is an ordinary running sum, of
//! sixteen values for up to 2¹⁹ terms of one invocation. (A single running sum may be off by n/2 ULP, and equal terms
//! come close to that.) The bound does not rely on the compiler keeping the order of additions, as Kahan's sum does: a
//! driver that reassociates changes bits only.

use super::simd::Vectorized;
use super::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/base/cascade.wgsl");

/// Terms in a leaf.
pub(crate) const LEAF: usize = 8;
/// Values of a level that form one value of the next.
const BASE: usize = 16;
const LEVELS: usize = 5;

/// Running cascade sums of `W` columns.
#[derive(Clone, Debug)]
pub(crate) struct Cascade<T, const W: usize> {
    levels: [[T; W]; LEVELS],
    leaves: usize,
}

impl<T: Real, const W: usize> Cascade<T, W> {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Cascade {
            levels: [[T::ZERO; W]; LEVELS],
            leaves: 0,
        }
    }

    /// Adds the sums of the next `LEAF` terms, for the first `width` columns.
    #[inline(always)]
    pub(crate) fn add(&mut self, leaf: &[T; W], width: usize) {
        self.leaves += 1;
        for (sum, &leaf) in self.levels[0][..width].iter_mut().zip(leaf) {
            *sum += leaf;
        }
        if self.leaves.is_multiple_of(BASE) {
            self.carry(width);
        }
    }

    /// Carries full levels to the next one.
    #[inline(never)]
    fn carry(&mut self, width: usize) {
        let mut full = BASE;
        for level in 1..LEVELS {
            if !self.leaves.is_multiple_of(full) {
                break;
            }
            let (below, above) = self.levels.split_at_mut(level);
            for (above, below) in above[0][..width].iter_mut().zip(&mut below[level - 1]) {
                *above += *below;
                *below = T::ZERO;
            }
            full *= BASE;
        }
    }

    /// The sums, including the terms that do not fill a leaf.
    #[inline(always)]
    pub(crate) fn total(&self, rest: &[T; W], width: usize) -> [T; W] {
        let [a, b, c, d, e] = &self.levels;
        let mut total = [T::ZERO; W];
        for j in 0..width {
            total[j] = ((rest[j] + a[j]) + b[j]) + (c[j] + (d[j] + e[j]));
        }
        total
    }
}

/// Columns that [`columns`] sums at a time: their levels stay in the L1 cache.
const WIDTH: usize = 64;

/// sums[j] = Σᵢ x[i, j], for all columns with their padding.
pub(crate) fn columns<T: Real>(x: &[T], shape: MatrixShape, sums: &mut [T]) {
    let ld = shape.ld();
    sums[..ld].fill(T::ZERO);
    if shape.floats() == 0 {
        return;
    }
    let x = &x[..shape.floats()];
    for (number, sums) in sums[..ld].chunks_mut(WIDTH).enumerate() {
        T::vectorized(Columns {
            x,
            shape,
            first: number * WIDTH,
            sums,
        });
    }
}

/// The sums of up to [`WIDTH`] columns.
struct Columns<'a, T> {
    x: &'a [T],
    shape: MatrixShape,
    first: usize,
    sums: &'a mut [T],
}

impl<T: Real> Vectorized for Columns<'_, T> {
    const WIDE: bool = true;

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Columns {
            x,
            shape,
            first,
            sums,
        } = self;
        let (ld, width) = (shape.ld(), sums.len());
        let row = |i: usize| &x[i * ld + first..][..width];
        let mut cascade = Cascade::<T, WIDTH>::new();
        let mut leaf = [T::ZERO; WIDTH];
        let leaves = shape.rows / LEAF;
        for i in 0..leaves {
            let rows: [&[T]; LEAF] = std::array::from_fn(|k| row(i * LEAF + k));
            for (j, leaf) in leaf[..width].iter_mut().enumerate() {
                *leaf = eight(rows.map(|row| row[j]));
            }
            cascade.add(&leaf, width);
        }
        let mut rest = [T::ZERO; WIDTH];
        for i in leaves * LEAF..shape.rows {
            for (rest, &x) in rest[..width].iter_mut().zip(row(i)) {
                *rest += x;
            }
        }
        sums.copy_from_slice(&cascade.total(&rest, width)[..width]);
    }
}

/// Interleaved chains of a sum over one axis, which the compiler keeps in vector registers.
const CHAINS: usize = 16;

/// Σ term(xᵢ).
pub(crate) fn sum_of<T: Real>(x: &[T], term: impl Fn(T) -> T) -> T {
    let mut cascade = Cascade::<T, CHAINS>::new();
    let mut blocks = x.chunks_exact(CHAINS * LEAF);
    for block in &mut blocks {
        let leaf =
            std::array::from_fn(|j| eight(std::array::from_fn(|k| term(block[k * CHAINS + j]))));
        cascade.add(&leaf, CHAINS);
    }
    let mut rest = [T::ZERO; CHAINS];
    for block in blocks.remainder().chunks(CHAINS) {
        for (rest, &x) in rest.iter_mut().zip(block) {
            *rest += term(x);
        }
    }
    pairs(cascade.total(&rest, CHAINS))
}

/// Σ aᵢbᵢ.
pub(crate) fn sum_of_products<T: Real>(a: &[T], b: &[T]) -> T {
    let mut cascade = Cascade::<T, CHAINS>::new();
    let blocks = a.chunks(CHAINS * LEAF).zip(b.chunks(CHAINS * LEAF));
    for (a, b) in blocks {
        let mut leaf = [T::ZERO; CHAINS];
        for (a, b) in a.chunks(CHAINS).zip(b.chunks(CHAINS)) {
            for (sum, (&a, &b)) in leaf.iter_mut().zip(a.iter().zip(b)) {
                *sum += a * b;
            }
        }
        cascade.add(&leaf, CHAINS);
    }
    pairs(cascade.total(&[T::ZERO; CHAINS], CHAINS))
}

/// The sum of eight terms, in pairs.
#[inline(always)]
pub(crate) fn eight<T: Real>([a, b, c, d, e, f, g, h]: [T; LEAF]) -> T {
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// The sum of sixteen values, in pairs.
fn pairs<T: Real>(mut sums: [T; 16]) -> T {
    let mut count = sums.len();
    while count > 1 {
        count /= 2;
        for i in 0..count {
            sums[i] += sums[i + count];
        }
    }
    sums[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bound stated in the module's docs, in units of the type's ε (a ULP of 1).
    fn bound(n: usize) -> f64 {
        2.0 * (n.max(2) as f64).log2()
    }

    #[test]
    fn sums_keep_the_bound_for_terms_that_defeat_a_running_sum() {
        for n in [0, 1, 7, 8, 9, 127, 1001, 4096, 65_536, 300_000] {
            let equal = vec![0.1f32; n];
            let mut falling = vec![1.0f32; n];
            falling[..n.min(1)].fill(16_777_216.0);
            for x in [equal, falling] {
                let exact: f64 = x.iter().map(|&x| f64::from(x)).sum();
                let allowed = bound(n) * f64::from(f32::EPSILON) * exact;
                let mut column = [0.0f32; 4];
                columns(
                    &MatrixShape::new(n, 1).pad(&x),
                    MatrixShape::new(n, 1),
                    &mut column,
                );
                for sum in [sum_of(&x, |x| x), column[0]] {
                    let error = (f64::from(sum) - exact).abs();
                    assert!(error <= allowed, "{n} terms: {sum}, {exact}");
                }
            }
        }
    }

    #[test]
    fn every_column_and_every_term_counts_once() {
        for rows in [0, 1, 8, 17, 129, 4097] {
            for cols in [1, 4, 63, 64, 65, 130] {
                let shape = MatrixShape::new(rows, cols);
                let x: Vec<f64> = (0..rows * cols).map(|i| (i % 1013) as f64).collect();
                let mut sums = vec![f64::NAN; shape.ld()];
                columns(&shape.pad(&x), shape, &mut sums);
                for (j, sum) in sums.iter().enumerate() {
                    let exact: f64 = (0..rows)
                        .filter(|_| j < cols)
                        .map(|i| x[i * cols + j])
                        .sum();
                    assert_eq!(*sum, exact, "{shape}, column {j}");
                }
                assert_eq!(sum_of(&x, |x| 2.0 * x), 2.0 * x.iter().sum::<f64>());
            }
        }
    }
}
