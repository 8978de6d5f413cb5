//! Power with a constant exponent: aᵖ.

use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/powf.wgsl");

/// The exponent and its kind, which decides the result for a negative base: 1 for an odd integer, 0 for an even
/// integer, 2 for other numbers.
pub(crate) fn parameters(exponent: f32) -> [f32; 2] {
    let parity = if exponent.fract() == 0.0 {
        exponent.rem_euclid(2.0)
    } else {
        2.0
    };
    [exponent, parity]
}

pub(crate) fn run<T: Real>(exponent: T, a: &[T], out: &mut [T], shape: MatrixShape) {
    for_rows(out, shape, |i, out| {
        for (out, &a) in out.iter_mut().zip(row_of(a, shape, i)) {
            *out = a.powf(exponent);
        }
    });
}
