//! y = z where z > 0, else alpha·z. The sign of y is that of z, since alpha is not negative.

use crate::kernel::Real;

pub(crate) const NAME: &str = "leaky_relu";
pub(crate) const SOURCE: &str = include_str!("../../../shaders/activation/leaky_relu.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = false;

pub(crate) fn f<T: Real>(z: T, alpha: T, _beta: T) -> T {
    if z > T::ZERO { z } else { alpha * z }
}

pub(crate) fn df<T: Real>(y: T, alpha: T, _beta: T) -> T {
    if y > T::ZERO { T::ONE } else { alpha }
}
