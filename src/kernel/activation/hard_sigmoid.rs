//! y = min(max(slope·z + offset, 0), 1); alpha = slope, beta = offset. The derivative is 0 where y is 0 or 1.

use crate::kernel::Real;

pub(crate) const NAME: &str = "hard_sigmoid";
pub(crate) const SOURCE: &str = include_str!("../../../shaders/activation/hard_sigmoid.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = false;

pub(crate) fn f<T: Real>(z: T, alpha: T, beta: T) -> T {
    (alpha * z + beta).max(T::ZERO).min(T::ONE)
}

pub(crate) fn df<T: Real>(y: T, alpha: T, _beta: T) -> T {
    if y > T::ZERO && y < T::ONE {
        alpha
    } else {
        T::ZERO
    }
}
