//! y = min(max(z, 0), 6). The derivative is 0 at both bends.

use crate::kernel::Real;

pub(crate) const NAME: &str = "relu6";
pub(crate) const SOURCE: &str = include_str!("../../../shaders/activation/relu6.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = false;

pub(crate) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    z.max(T::ZERO).min(T::of(6.0))
}

pub(crate) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    if y > T::ZERO && y < T::of(6.0) {
        T::ONE
    } else {
        T::ZERO
    }
}
