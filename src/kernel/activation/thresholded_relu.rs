//! y = z where z > θ, else 0; alpha = θ, which is not negative, so y > 0 just where z > θ.

use crate::kernel::Real;

pub(crate) const NAME: &str = "thresholded_relu";
pub(crate) const SOURCE: &str = include_str!("../../../shaders/activation/thresholded_relu.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = false;

pub(crate) fn f<T: Real>(z: T, alpha: T, _beta: T) -> T {
    if z > alpha { z } else { T::ZERO }
}

pub(crate) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    if y > T::ZERO { T::ONE } else { T::ZERO }
}
