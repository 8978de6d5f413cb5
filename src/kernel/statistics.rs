//! Statistics of a tensor, or of its change: sums, the greatest magnitude, and how many are zero or not finite.
//!
//! Each workgroup takes a contiguous part; the host joins the few parts, ascending, in `f64`. Both in a fixed order, so the
//! same data give the same bits on every run.

use super::program::{WORKGROUP, uniform_block};
use super::reduce::{self, Reduce};
use super::{
    Args, Binding, Compute, MatrixShape, Program, Real, Sum, Target, statistics_change,
    statistics_value,
};
use crate::parallel::for_chunks;

/// Floats that a part leaves: sum, sum of squares, greatest magnitude, zeros, values that are not finite, and padding.
const PART: usize = 8;

/// Statistics of a flat region. Arguments: x, [what x was before], out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statistics {
    /// Floats in the region, a multiple of 4.
    pub(crate) floats: usize,
    /// Of the difference to what was before.
    pub(crate) change: bool,
    /// Where in the output the parts go, in floats, a multiple of 4.
    pub(crate) place: usize,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// `vec4` elements in all, and in one part.
        count: u32,
        part: u32,
        parts: u32,
        place: u32,
    }
}

impl Statistics {
    /// Floats of output for a region of this many.
    pub(crate) fn output(floats: usize) -> usize {
        PART * Sum::parts(floats)
    }
}

impl Compute for Statistics {
    fn label(&self) -> String {
        let what = if self.change { " of the change" } else { "" };
        format!("statistics{what} [{}]", self.floats)
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings = vec![Binding::read(1), Binding::read(2), Binding::write(3)];
        if !self.change {
            bindings.remove(1);
        }
        bindings
    }

    fn program(&self, target: &Target) -> Program {
        let params = Params {
            count: (self.floats / 4) as u32,
            part: Sum::part(self.floats) as u32,
            parts: Sum::parts(self.floats) as u32,
            place: (self.place / 4) as u32,
        };
        let value = if self.change {
            statistics_change::SOURCE
        } else {
            statistics_value::SOURCE
        };
        let mut reduce = Reduce::new(WORKGROUP, target);
        reduce.pieces.extend([
            reduce::VECTORS,
            reduce::SOURCE,
            value,
            include_str!("../../shaders/statistics.wgsl"),
        ]);
        let parts = Sum::parts(self.floats);
        Program::new(&reduce.constants, &reduce.pieces, &params, parts)
    }

    fn flops(&self) -> u64 {
        (self.floats * if self.change { 6 } else { 5 }) as u64
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let x = &args.read()[..self.floats];
        let previous = self.change.then(|| &args.read()[..self.floats]);
        let out = &mut args.write()[self.place..][..Self::output(self.floats)];
        let part = 4 * Sum::part(self.floats);
        for_chunks(out, PART, 1, |i, out| {
            let begin = (i * part).min(self.floats);
            let end = (begin + part).min(self.floats);
            let found = match previous {
                None => statistics(x[begin..end].iter().copied()),
                Some(previous) => {
                    let pairs = x[begin..end].iter().zip(&previous[begin..end]);
                    statistics(pairs.map(|(&x, &previous)| x - previous))
                }
            };
            out.copy_from_slice(&found);
        });
    }
}

/// One part's. The sums run in 16 interleaved chains, to keep their rounding small.
fn statistics<T: Real>(values: impl Iterator<Item = T>) -> [T; PART] {
    let (mut sums, mut squares) = ([T::ZERO; 16], [T::ZERO; 16]);
    let (mut greatest, mut zeros, mut not_finite) = (T::ZERO, 0u32, 0u32);
    for (i, x) in values.enumerate() {
        if !x.is_finite() {
            not_finite += 1;
            continue;
        }
        sums[i % 16] += x;
        squares[i % 16] += x * x;
        greatest = greatest.max(x.abs());
        zeros += u32::from(x == T::ZERO);
    }
    let total = |chains: [T; 16]| chains.into_iter().fold(T::ZERO, |sum, chain| sum + chain);
    let count = |n: u32| T::of(n.into());
    let mut found = [T::ZERO; PART];
    found[..5].copy_from_slice(&[
        total(sums),
        total(squares),
        greatest,
        count(zeros),
        count(not_finite),
    ]);
    found
}

/// What the values of a tensor are like. A value that is not finite is counted, and left out of all the rest.
///
/// The sums are taken in `f32` on the device, and joined in `f64`. So the variance, mean(x²) − mean(x)², has an absolute
/// error of about 1e-7·mean(x²), and squares above 3.4e38 make it infinite.
///
/// ```
/// use wgrad::{Device, Tensor};
/// # fn main() -> wgrad::Result<()> {
/// let x = Tensor::new(&Device::cpu(), [1, 4], &[3.0, 0.0, -4.0, f32::NAN])?;
/// let found = x.statistics()?;
/// assert_eq!((found.count, found.zeros, found.non_finite), (4, 1, 1));
/// assert_eq!((found.norm, found.greatest), (5.0, 4.0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TensorStatistics {
    /// How many values there are.
    pub count: usize,
    /// How many of them are 0.
    pub zeros: usize,
    /// How many are NaN or infinite.
    pub non_finite: usize,
    /// The mean of the finite values; 0 if there is none.
    pub mean: f64,
    /// Their variance: the mean square of the distances to the mean. (PyTorch's `var` divides by n − 1 by default.)
    pub variance: f64,
    /// Their Euclidean norm √Σx².
    pub norm: f64,
    /// Their greatest magnitude.
    pub greatest: f64,
}

impl TensorStatistics {
    /// From what the kernel left, for a matrix of this shape: its padding, which is zero, counts among the zeros there.
    pub(crate) fn new(shape: MatrixShape, parts: &[f32]) -> Self {
        let total = |place: usize| -> f64 {
            let parts = parts.chunks_exact(PART);
            parts.map(|part| f64::from(part[place])).sum()
        };
        let greatest = parts.chunks_exact(PART).map(|part| f64::from(part[2]));
        let count = shape.rows * shape.cols;
        let padding = shape.floats() - count;
        let non_finite = total(4) as usize;
        let (mut mean, mut variance) = (0.0, 0.0);
        if non_finite < count {
            let finite = (count - non_finite) as f64;
            mean = total(0) / finite;
            variance = (total(1) / finite - mean * mean).max(0.0);
        }
        TensorStatistics {
            count,
            zeros: (total(3) as usize).saturating_sub(padding),
            non_finite,
            mean,
            variance,
            norm: total(1).sqrt(),
            greatest: greatest.fold(0.0, f64::max),
        }
    }

    /// The standard deviation √variance.
    pub fn deviation(&self) -> f64 {
        self.variance.sqrt()
    }
}
