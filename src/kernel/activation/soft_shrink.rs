//! y = z − λ where z > λ, z + λ where z < −λ, else 0; alpha = λ, which is not negative.

use crate::kernel::Real;

pub(crate) const NAME: &str = "soft_shrink";
pub(crate) const SOURCE: &str = include_str!("../../../shaders/activation/soft_shrink.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = false;

pub(crate) fn f<T: Real>(z: T, alpha: T, _beta: T) -> T {
    z - z.max(-alpha).min(alpha)
}

pub(crate) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    if y != T::ZERO { T::ONE } else { T::ZERO }
}
