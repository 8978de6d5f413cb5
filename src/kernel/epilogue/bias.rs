//! value + bias, with bias [N] added to every row; in front of any other epilogue.

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/epilogue/bias.wgsl");

/// What stands in for the file where there is no bias.
pub(crate) const NONE: &str =
    "fn with_bias(value: vec4<f32>, col: u32) -> vec4<f32> {\n    return value;\n}\n";

/// Adds the bias to one row.
pub(crate) fn run<T: Real>(bias: &[T], row: &mut [T]) {
    for (value, &bias) in row.iter_mut().zip(bias) {
        *value += bias;
    }
}
