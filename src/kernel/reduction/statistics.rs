//! Statistics of a tensor or of its change: sums, the largest magnitude, and the numbers of zeros and of non-finite
//! values.
//!
//! Each workgroup computes count, mean and squared deviations of a contiguous part (see [`spread`]). The host joins the
//! few parts, in ascending order, in `f64` (Chan, Golub and LeVeque 1983). Both orders are fixed, so the same data give
//! the same bits on every run.

use super::Sum;
use crate::kernel::base::program::{WORKGROUP, uniform_block};
use crate::kernel::base::reduce::{self, Reduce};
use crate::kernel::base::{
    Args, Binding, Capabilities, Compute, Element, MatrixShape, Program, Real, Shader, cascade,
    matrix, spread,
};
use crate::threads::for_chunks;

/// Measured value: a tensor.
const VALUE: &str = include_str!("../../../shaders/reduction/statistics_value.wgsl");
/// Measured value: the difference between a tensor and its previous values.
const CHANGE: &str = include_str!("../../../shaders/reduction/statistics_change.wgsl");

/// Number of floats that a part writes: the mean used by its second pass; the sum of the distances from this mean and
/// the sum of their squares, with the distances times scale·unit; scale and unit; the largest magnitude; the numbers of
/// zeros and of non-finite values.
const PART: usize = 8;

/// Statistics of a matrix. Arguments: x, [previous x], out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statistics {
    pub(crate) shape: MatrixShape,
    /// Whether the change from the previous values is measured.
    pub(crate) change: bool,
    /// Offset of the parts in the output, in floats; a multiple of 4.
    pub(crate) place: usize,
}

uniform_block! {
    /// The shader's uniform block.
    pub(crate) struct Params {
        /// Total number of `vec4` elements.
        count: u32,
        /// `vec4` elements in one part.
        part: u32,
        parts: u32,
        /// Offset in the output, in `vec4` elements; a part has two.
        place: u32,
        cols: u32,
        /// `vec4` elements in a row.
        ld4: u32,
        _pad: [u32; 2],
    }
}

impl Statistics {
    /// Floats of output for a matrix of this many floats.
    pub(crate) fn output(floats: usize) -> usize {
        PART * Sum::parts(floats)
    }
}

impl Compute for Statistics {
    fn label(&self) -> String {
        let what = if self.change { " of the change" } else { "" };
        format!("statistics{what} {}", self.shape)
    }

    fn bindings(&self) -> Vec<Binding> {
        let mut bindings = vec![
            Binding::input(1, "x", Element::Vec4),
            Binding::input(2, "previous", Element::Vec4),
            Binding::output(3, "out", Element::Vec4),
        ];
        if !self.change {
            bindings.remove(1);
        }
        bindings
    }

    fn program(&self, capabilities: &Capabilities) -> Program {
        let floats = self.shape.floats();
        let params = Params {
            count: (floats / 4) as u32,
            part: Sum::part(floats) as u32,
            parts: Sum::parts(floats) as u32,
            place: (self.place / 4) as u32,
            cols: self.shape.cols as u32,
            ld4: self.shape.ld4() as u32,
            _pad: [0; 2],
        };
        let value = if self.change { CHANGE } else { VALUE };
        let mut reduce = Reduce::new(WORKGROUP, capabilities);
        reduce.pieces.extend([
            reduce::VECTORS,
            reduce::SOURCE,
            matrix::SOURCE,
            cascade::SOURCE,
            spread::SOURCE,
            value,
            include_str!("../../../shaders/reduction/statistics.wgsl"),
        ]);
        let parts = if floats == 0 { 0 } else { Sum::parts(floats) };
        let each = Sum::part(floats).div_ceil(WORKGROUP);
        let joining = 3 * WORKGROUP.ilog2() as usize;
        Program::assemble(
            Shader {
                constants: &reduce.constants,
                bindings: &self.bindings(),
                pieces: &reduce.pieces,
            },
            &params,
            parts,
        )
        .with_iterations(2 * (each + each / cascade::LEAF + 1) + joining)
    }

    fn flops(&self) -> u64 {
        self.shape.floats() as u64 * if self.change { 10 } else { 9 }
    }

    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>) {
        let (floats, ld, cols) = (self.shape.floats(), self.shape.ld(), self.shape.cols);
        let x = &args.read()[..floats];
        let previous = self.change.then(|| &args.read()[..floats]);
        let out = &mut args.write()[self.place..][..Self::output(floats)];
        let part = 4 * Sum::part(floats);
        for_chunks(out, PART, 1, |i, out| {
            let begin = (i * part).min(floats);
            let end = (begin + part).min(floats);
            let places = (begin..end).filter(|place| place % ld < cols);
            let found = match previous {
                None => statistics(places.map(|place| x[place])),
                Some(previous) => statistics(places.map(|place| x[place] - previous[place])),
            };
            out.copy_from_slice(&found);
        });
    }
}

/// Statistics of one part.
fn statistics<T: Real>(values: impl Iterator<Item = T> + Clone) -> [T; PART] {
    let (mut max_abs, mut zeros, mut not_finite, mut count) = (T::ZERO, 0u32, 0u32, 0u32);
    let mut sum = 0.0;
    for x in values.clone() {
        if !x.is_finite() {
            not_finite += 1;
            continue;
        }
        count += 1;
        sum += x.to_f64();
        max_abs = max_abs.max(x.abs());
        zeros += u32::from(x == T::ZERO);
    }
    let count = f64::from(count.max(1));
    let mean = T::of(sum / count);
    let (mut off, mut squares) = (0.0, 0.0);
    for x in values.filter(|x| x.is_finite()) {
        let distance = x.to_f64() - mean.to_f64();
        off += distance;
        squares += distance * distance;
    }
    let scale = scale(squares / count);
    let number = |n: u32| T::of(n.into());
    [
        mean,
        T::of(off * scale),
        T::of(squares * scale * scale),
        T::of(scale),
        T::ONE,
        max_abs,
        number(zeros),
        number(not_finite),
    ]
}

/// A power of two, a normal `f32`, that scales a deviation to about 1 as far as possible.
fn scale(variance: f64) -> f64 {
    let exponent = variance.sqrt().max(1e-37).log2().floor();
    2f64.powi(-(exponent as i32).clamp(-126, 126))
}

/// Statistics of the values of a tensor. A non-finite value is counted, and excluded from all other statistics.
///
/// Mean and variance are as accurate for values far from 0 as for others, and none of the statistics overflows: each
/// part of the values is measured relative to its own mean on the device, and the parts are joined in `f64`.
///
/// ```
/// use wgrad::{Device, Tensor};
/// # fn main() -> wgrad::Result<()> {
/// let x = Tensor::new(&Device::cpu(), [1, 4], &[3.0, 0.0, -4.0, f32::NAN])?;
/// let found = x.statistics()?;
/// assert_eq!((found.count, found.zeros, found.non_finite), (4, 1, 1));
/// assert_eq!((found.norm as f32, found.max_abs), (5.0, 4.0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TensorStatistics {
    /// Number of values.
    pub count: usize,
    /// Number of values that are 0.
    pub zeros: usize,
    /// Number of values that are NaN or infinite.
    pub non_finite: usize,
    /// Mean of the finite values; 0 if there are none.
    pub mean: f64,
    /// Variance of the finite values: the mean squared distance from the mean. (PyTorch's `var` divides by n − 1 by
    /// default.)
    pub variance: f64,
    /// Euclidean norm √Σx² of the finite values.
    pub norm: f64,
    /// Largest magnitude of the finite values, max |x|.
    pub max_abs: f64,
}

/// Number of values, without padding, among the first `floats` floats of a matrix.
fn values_before(shape: MatrixShape, floats: usize) -> usize {
    let floats = floats.min(shape.floats());
    let ld = shape.ld().max(1);
    floats / ld * shape.cols + (floats % ld).min(shape.cols)
}

impl TensorStatistics {
    /// Joins the parts that the kernel wrote, for a matrix of this shape.
    pub(crate) fn new(shape: MatrixShape, parts: &[f32]) -> Self {
        let mut found = TensorStatistics {
            count: shape.rows * shape.cols,
            ..Default::default()
        };
        let (mut finite, mut deviations) = (0.0, 0.0);
        let elements = 4 * Sum::part(shape.floats());
        for (i, part) in parts.chunks_exact(PART).enumerate() {
            let values =
                values_before(shape, (i + 1) * elements) - values_before(shape, i * elements);
            if values == 0 {
                continue;
            }
            let [start, off, squares, scale, unit, max_abs, zeros, not_finite] =
                std::array::from_fn(|place| f64::from(part[place]));
            found.zeros += zeros as usize;
            found.non_finite += not_finite as usize;
            found.max_abs = found.max_abs.max(max_abs);
            let count = values as f64 - not_finite;
            if count < 1.0 {
                continue;
            }
            let mean = start + off / count / (scale * unit);
            let of_part = (squares - off * off / count).max(0.0) / (scale * unit).powi(2);
            let (apart, together) = (mean - found.mean, finite + count);
            found.mean += apart * (count / together);
            deviations += of_part + apart * apart * (finite * count / together);
            finite = together;
        }
        if finite > 0.0 {
            found.variance = deviations / finite;
            // √Σx², from Σ(x − mean)² and the mean.
            found.norm = (deviations + finite * found.mean * found.mean).sqrt();
        }
        found
    }

    /// The standard deviation √variance.
    pub fn std(&self) -> f64 {
        self.variance.sqrt()
    }
}
