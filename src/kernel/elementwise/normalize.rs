//! Batch normalisation from running statistics, as in evaluation: y = γ·(x − mean)/√(variance + ε) + β, all [cols].

use super::for_blocks;
use crate::kernel::batch_norm::{Affine, Normalized};
use crate::kernel::simd::vectorized;
use crate::kernel::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/normalize.wgsl");

/// ε and ε·2⁶⁴, for the shader: where variance + ε is small, it takes both in units of 2⁻⁶⁴, since either may be too small
/// for a normal `f32`.
pub(crate) fn parameters(epsilon: f32) -> [f32; 2] {
    [
        epsilon,
        (epsilon * 18_446_744_073_709_551_616.0).min(f32::MAX),
    ]
}

pub(crate) fn run<T: Real>(
    [x, gamma, beta, running]: [&[T]; 4],
    epsilon: f32,
    y: &mut [T],
    shape: MatrixShape,
) {
    let (means, variances) = running.split_at(shape.ld().min(running.len()));
    let columns = (0..shape.cols).map(|j| {
        let variance = variances[j].to_f64() + f64::from(epsilon);
        let scale = gamma[j].to_f64() / variance.sqrt();
        [means[j].to_f64(), scale, beta[j].to_f64()]
    });
    let columns = Affine::new(columns.collect());
    let ld = shape.ld();
    for_blocks(y, shape, |first, y| {
        vectorized(Normalized {
            x: &x[first * ld..][..y.len()],
            y,
            shape,
            columns: &columns,
        });
    });
}
