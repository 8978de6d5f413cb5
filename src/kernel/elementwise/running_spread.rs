//! Common parts of the kernels that normalise with running statistics [2, cols] (mean, variance), for values of any
//! magnitude.

use crate::kernel::base::{MatrixShape, Real};

/// The piece in front of each of these kernels.
pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/running_spread.wgsl");

/// ε and ε·2⁶⁴, for the shader. If variance + ε is small, the shader scales both by 2⁶⁴, since either may be too small
/// for a normal `f32`.
pub(crate) fn parameters(epsilon: f32) -> [f32; 2] {
    let in_units = f64::from(epsilon) * 18_446_744_073_709_551_616.0;
    [epsilon, in_units.min(f32::MAX.into()) as f32]
}

/// (mean, 1/√(variance + ε)) of every column.
pub(crate) fn columns<T: Real>(running: &[T], epsilon: f32, shape: MatrixShape) -> Vec<[f64; 2]> {
    let (means, variances) = running.split_at(shape.ld().min(running.len()));
    let column = |j: usize| {
        let variance = variances[j].to_f64() + f64::from(epsilon);
        [means[j].to_f64(), 1.0 / variance.sqrt()]
    };
    (0..shape.cols).map(column).collect()
}
