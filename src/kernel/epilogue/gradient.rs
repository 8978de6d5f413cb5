//! out = value; a NaN or an infinity is reported to the guard.

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/epilogue/gradient.wgsl");

/// Whether a row holds a NaN or an infinity.
pub(crate) fn is_not_finite<T: Real>(row: &[T]) -> bool {
    // Without a way out, so that it is computed in vectors.
    row.iter()
        .fold(false, |found, value| found | !value.is_finite())
}

/// Reports what is not finite in a finished gradient to the guard.
pub(crate) fn guard<T: Real>(id: u32, gradient: &[T], state: &mut [u32]) {
    if is_not_finite(gradient) {
        state[2] = state[2].min(id);
    }
}
