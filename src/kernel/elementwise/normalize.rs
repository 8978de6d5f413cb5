//! Batch normalisation from running statistics, as in evaluation: y = γ·(x − mean)/√(variance + ε) + β, all [cols].

use super::running_spread::columns;
use crate::kernel::base::rows::for_blocks;
use crate::kernel::base::{MatrixShape, Real};
use crate::kernel::normalization::batch_norm::{Affine, Normalized};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/normalize.wgsl");

pub(crate) fn run<T: Real>(
    [x, gamma, beta, running]: [&[T]; 4],
    epsilon: f32,
    y: &mut [T],
    shape: MatrixShape,
) {
    let spreads = columns(running, epsilon, shape).into_iter().enumerate();
    let columns =
        spreads.map(|(j, [mean, inverse])| [mean, gamma[j].to_f64() * inverse, beta[j].to_f64()]);
    let columns = Affine::new(columns.collect());
    let ld = shape.ld();
    for_blocks(y, shape, |first, y| {
        T::vectorized(Normalized {
            x: &x[first * ld..][..y.len()],
            y,
            shape,
            columns: &columns,
        });
    });
}
