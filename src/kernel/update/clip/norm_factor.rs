//! The factor min(1, m/(‖g‖ + ε)) of all gradients.

use super::EPSILON;
use crate::kernel::Real;

pub(super) const SOURCE: &str = include_str!("../../../../shaders/update/clip/norm_factor.wgsl");

/// What every gradient is multiplied by, from the partial sums of their squares.
pub(super) fn factor<T: Real>(limit: T, sums: &[T]) -> T {
    let mut sum = T::ZERO;
    for &part in sums {
        sum += part;
    }
    let factor = limit / (sum.sqrt() + T::of(EPSILON as f32 as f64));
    // `min` would hide a NaN.
    if factor.is_nan() {
        factor
    } else {
        factor.min(T::ONE)
    }
}
