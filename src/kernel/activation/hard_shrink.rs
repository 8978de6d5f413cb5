//! y = z where |z| > λ, else 0; alpha = λ, which is not negative, so y ≠ 0 just where |z| > λ.

use crate::kernel::Real;

pub(crate) const NAME: &str = "hard_shrink";
pub(crate) const SOURCE: &str = include_str!("../../../shaders/activation/hard_shrink.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = false;

pub(crate) fn f<T: Real>(z: T, alpha: T, _beta: T) -> T {
    if z.abs() > alpha { z } else { T::ZERO }
}

pub(crate) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    if y != T::ZERO { T::ONE } else { T::ZERO }
}
