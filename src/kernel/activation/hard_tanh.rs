//! y = min(max(z, min), max); alpha = min, beta = max. The derivative is 0 at both bends.

use crate::kernel::Real;

pub(crate) const NAME: &str = "hard_tanh";
pub(crate) const SOURCE: &str = include_str!("../../../shaders/activation/hard_tanh.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = false;

pub(crate) fn f<T: Real>(z: T, alpha: T, beta: T) -> T {
    z.max(alpha).min(beta)
}

pub(crate) fn df<T: Real>(y: T, alpha: T, beta: T) -> T {
    if y > alpha && y < beta {
        T::ONE
    } else {
        T::ZERO
    }
}
