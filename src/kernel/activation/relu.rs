//! y = max(z, 0). The derivative at 0 is 0.

use crate::kernel::Real;

pub(crate) const NAME: &str = "relu";
pub(crate) const SOURCE: &str = include_str!("../../../shaders/activation/relu.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = false;

pub(crate) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    if z > T::ZERO { z } else { T::ZERO }
}

pub(crate) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    if y > T::ZERO { T::ONE } else { T::ZERO }
}
