//! Mean and standard deviation of columns and rows, for values of any offset and magnitude.
//!
//! Requirements: the mean of values far from 0 keeps their small differences, equal values have exactly their value as
//! mean and a deviation of 0, and no square overflows. On the CPU both passes run in `f64`, whose range and precision
//! satisfy these requirements directly: sums of up to 2²⁹ equal `f32` are exact, and so is their mean.
//!
//! `shaders/base/spread.wgsl` works in `f32`. It sums the distances from the first value, then from the mean, with a
//! correction for the rounding of the mean (the shifted two-pass algorithm: Chan, Golub and LeVeque 1983). All
//! distances are scaled by powers of two. The mean has two parts, the rounded value and the rest, so x − mean is exact
//! to the last bit of x.

use super::simd::Vectorized;
use super::{MatrixShape, Real};
use crate::threads::for_chunks;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/base/spread.wgsl");

/// Deviation above which differences are scaled by 1/16, so that 1/std is a normal `f32`: 2¹⁰⁰.
const LARGE: f64 = 1.267_650_600_228_229_4e30;

/// Mean and variance of a column or a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread {
    pub(crate) mean: f64,
    pub(crate) variance: f64,
}

impl Spread {
    /// 1/√(variance + ε).
    #[inline(always)]
    pub(crate) fn inverse(&self, epsilon: f64) -> f64 {
        1.0 / (self.variance + epsilon).sqrt()
    }

    /// The four values that a forward pass saves for the backward pass: the rounded mean; 1/√(variance + ε), per unit;
    /// the rounding remainder of the mean, in units; the unit, which is 1, or 1/16 for large deviations.
    pub(crate) fn save<T: Real>(&self, epsilon: f64) -> [T; SAVED_ROWS] {
        let unit = if self.variance.sqrt() < LARGE {
            1.0
        } else {
            0.0625
        };
        let mean = T::of(self.mean);
        let rest = (self.mean - mean.to_f64()) * unit;
        [
            mean,
            T::of(self.inverse(epsilon) / unit),
            T::of(rest),
            T::of(unit),
        ]
    }
}

/// Number of rows that a forward pass saves for the backward pass.
pub(crate) const SAVED_ROWS: usize = 4;

/// Mean and 1/√(variance + ε) from the saved rows: all four, or the first two.
pub(crate) fn saved<T: Real>(rows: usize, ld: usize, saved: &[T], j: usize) -> [f64; 2] {
    let at = |row: usize| saved[row * ld + j].to_f64();
    let (mean, inverse) = (at(0), at(1));
    if rows < SAVED_ROWS {
        return [mean, inverse];
    }
    let (rest, unit) = (at(2), at(3));
    [mean + rest / unit, inverse * unit]
}

/// Columns that are summed at a time.
const WIDTH: usize = 32;

/// Mean and variance of every column.
pub(crate) fn of_columns<T: Real>(x: &[T], shape: MatrixShape) -> Vec<Spread> {
    let mut spreads = vec![Spread::default(); shape.cols];
    for_chunks(&mut spreads, WIDTH, 1, |number, spreads| {
        T::vectorized(Columns {
            x,
            shape,
            first: number * WIDTH,
            spreads,
        });
    });
    spreads
}

struct Columns<'a, T> {
    x: &'a [T],
    shape: MatrixShape,
    first: usize,
    spreads: &'a mut [Spread],
}

impl<T: Real> Vectorized for Columns<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (ld, width) = (self.shape.ld(), self.spreads.len());
        let count = self.shape.rows as f64;
        let rows = || {
            let rows = self.x[..self.shape.floats()].chunks_exact(ld);
            rows.map(|row| &row[self.first..][..width])
        };
        let (mut mean, mut variance) = ([0.0; WIDTH], [0.0; WIDTH]);
        for row in rows() {
            for (sum, &x) in mean[..width].iter_mut().zip(row) {
                *sum += x.to_f64();
            }
        }
        mean.iter_mut().for_each(|sum| *sum /= count);
        for row in rows() {
            for ((sum, mean), &x) in variance[..width].iter_mut().zip(&mean).zip(row) {
                let distance = x.to_f64() - mean;
                *sum += distance * distance;
            }
        }
        for (j, spread) in self.spreads.iter_mut().enumerate() {
            *spread = Spread {
                mean: mean[j],
                variance: variance[j] / count,
            };
        }
    }
}

/// Mean and variance of a row.
#[inline(always)]
pub(crate) fn of_row<T: Real>(x: &[T]) -> Spread {
    let count = x.len() as f64;
    let mean = sum_of(x, |x| x) / count;
    let variance = sum_of(x, |x| (x - mean) * (x - mean)) / count;
    Spread { mean, variance }
}

/// The mean square of a row, as a variance about a mean of 0.
#[inline(always)]
pub(crate) fn about_zero<T: Real>(x: &[T]) -> Spread {
    Spread {
        mean: 0.0,
        variance: sum_of(x, |x| x * x) / x.len() as f64,
    }
}

/// Chains of a sum over a row.
pub(crate) const CHAINS: usize = 8;

/// Σ term(xᵢ) in `f64`, in eight interleaved chains.
#[inline(always)]
pub(crate) fn sum_of<T: Real>(x: &[T], term: impl Fn(f64) -> f64) -> f64 {
    let mut chains = [0.0; CHAINS];
    let (blocks, rest) = x.as_chunks::<CHAINS>();
    for block in blocks {
        // An index, and a known length: so the loop compiles to vector instructions.
        for i in 0..CHAINS {
            chains[i] += term(block[i].to_f64());
        }
    }
    for (chain, &x) in chains.iter_mut().zip(rest) {
        *chain += term(x.to_f64());
    }
    chains.into_iter().sum()
}
