//! y = 1 where z ≥ 0, else 0. The derivative is 0 everywhere.

use crate::kernel::Real;

pub(crate) const NAME: &str = "step";
pub(crate) const SOURCE: &str = include_str!("../../../shaders/activation/step.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = false;

pub(crate) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    if z >= T::ZERO { T::ONE } else { T::ZERO }
}

pub(crate) fn df<T: Real>(_y: T, _alpha: T, _beta: T) -> T {
    T::ZERO
}
