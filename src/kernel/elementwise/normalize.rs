//! Batch normalisation from running statistics, as in evaluation: y = γ·(x − mean)/√(variance + ε) + β, all [cols].

use super::{for_rows, row_of};
use crate::kernel::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/normalize.wgsl");

pub(crate) fn run<T: Real>(
    [x, gamma, beta, running]: [&[T]; 4],
    epsilon: T,
    y: &mut [T],
    shape: MatrixShape,
) {
    for_rows(y, shape, |i, y| {
        let (mean, variance) = running.split_at(shape.ld());
        for (j, (y, &x)) in y.iter_mut().zip(row_of(x, shape, i)).enumerate() {
            let inverse = T::ONE / (variance[j] + epsilon).sqrt();
            *y = gamma[j] * ((x - mean[j]) * inverse) + beta[j];
        }
    });
}
