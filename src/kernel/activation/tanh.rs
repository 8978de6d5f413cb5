//! y = tanh z.

use super::exponentials::with_exponentials;
use crate::kernel::Real;

pub(crate) const NAME: &str = "tanh";
pub(crate) const SOURCE: &str = with_exponentials!("tanh.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = false;

pub(crate) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    z.tanh()
}

pub(crate) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    T::ONE - y * y
}
