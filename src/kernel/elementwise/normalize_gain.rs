//! The terms of the gradient of γ of a normalisation with running statistics: dy ⊙ (x − mean)/√(variance + ε). Their column
//! sums are dγ.

use super::{for_rows, row_of};
use crate::kernel::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/normalize_gain.wgsl");

pub(crate) fn run<T: Real>(
    [dy, x, running]: [&[T]; 3],
    epsilon: T,
    out: &mut [T],
    shape: MatrixShape,
) {
    let (mean, variance) = running.split_at(shape.ld());
    for_rows(out, shape, |i, out| {
        let (dy, x) = (row_of(dy, shape, i), row_of(x, shape, i));
        for (j, ((out, &dy), &x)) in out.iter_mut().zip(dy).zip(x).enumerate() {
            *out = dy * ((x - mean[j]) * (T::ONE / (variance[j] + epsilon).sqrt()));
        }
    });
}
