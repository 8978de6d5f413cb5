//! Gradient of a normalisation with running statistics: dx = dy·γ/√(variance + ε).

use super::running_spread::columns;
use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str =
    include_str!("../../../shaders/elementwise/normalize_backward.wgsl");

pub(crate) fn run<T: Real>(
    [dy, gamma, running]: [&[T]; 3],
    epsilon: f32,
    dx: &mut [T],
    shape: MatrixShape,
) {
    let spreads = columns(running, epsilon, shape).into_iter().zip(gamma);
    let scales: Vec<f64> = spreads
        .map(|([_, inverse], gamma)| gamma.to_f64() * inverse)
        .collect();
    for_rows(dx, shape, |i, dx| {
        for ((dx, &dy), scale) in dx.iter_mut().zip(row_of(dy, shape, i)).zip(&scales) {
            *dx = T::of(dy.to_f64() * scale);
        }
    });
}
