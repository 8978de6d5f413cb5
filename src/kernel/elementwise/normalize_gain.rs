//! Terms of the gradient of γ in a normalisation with running statistics: dy ⊙ (x − mean)/√(variance + ε). Their column
//! sums are dγ.

use super::running_spread::columns;
use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/normalize_gain.wgsl");

pub(crate) fn run<T: Real>(
    [dy, x, running]: [&[T]; 3],
    epsilon: f32,
    out: &mut [T],
    shape: MatrixShape,
) {
    let spreads = columns(running, epsilon, shape);
    for_rows(out, shape, |i, out| {
        let (dy, x) = (row_of(dy, shape, i), row_of(x, shape, i));
        for (((out, &dy), &x), [mean, inverse]) in out.iter_mut().zip(dy).zip(x).zip(&spreads) {
            *out = T::of(dy.to_f64() * ((x.to_f64() - mean) * inverse));
        }
    });
}
