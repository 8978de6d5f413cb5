//! y = 1/(1 + exp(−z)), from exp(−|z|), which cannot overflow.

use crate::kernel::Real;

pub(crate) const NAME: &str = "sigmoid";
pub(crate) const SOURCE: &str = include_str!("../../../shaders/activation/sigmoid.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = false;

pub(crate) fn f<T: Real>(z: T, _alpha: T) -> T {
    let e = (-z.abs()).exp();
    let r = T::ONE / (T::ONE + e);
    if z >= T::ZERO { r } else { e * r }
}

pub(crate) fn df<T: Real>(y: T, _alpha: T) -> T {
    y * (T::ONE - y)
}
