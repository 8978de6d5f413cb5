//! out = value; a NaN or an infinity is reported to the guard.

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/epilogue/gradient.wgsl");

/// Whether a row holds a NaN or an infinity.
pub(crate) fn is_not_finite<T: Real>(row: &[T]) -> bool {
    row.iter().any(|value| !value.is_finite())
}
