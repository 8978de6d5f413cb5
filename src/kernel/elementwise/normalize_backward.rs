//! Gradient of a normalisation with running statistics: dx = dy·γ/√(variance + ε).

use super::{for_rows, row_of};
use crate::kernel::{MatrixShape, Real};

pub(crate) const SOURCE: &str =
    include_str!("../../../shaders/elementwise/normalize_backward.wgsl");

pub(crate) fn run<T: Real>(
    [dy, gamma, running]: [&[T]; 3],
    epsilon: T,
    dx: &mut [T],
    shape: MatrixShape,
) {
    let variance = &running[shape.ld()..];
    for_rows(dx, shape, |i, dx| {
        for (j, (dx, &dy)) in dx.iter_mut().zip(row_of(dy, shape, i)).enumerate() {
            *dx = dy * (gamma[j] * (T::ONE / (variance[j] + epsilon).sqrt()));
        }
    });
}
