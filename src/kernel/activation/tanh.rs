//! y = tanh z.

use crate::kernel::Real;

pub(crate) const NAME: &str = "tanh";
pub(crate) const SOURCE: &str = include_str!("../../../shaders/activation/tanh.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = false;

pub(crate) fn f<T: Real>(z: T, _alpha: T) -> T {
    z.tanh()
}

pub(crate) fn df<T: Real>(y: T, _alpha: T) -> T {
    T::ONE - y * y
}
