//! y = σ(z) = 1/(1 + exp(−z)).

use super::exponentials::{logistic, with_exponentials};
use crate::kernel::Real;

pub(crate) const NAME: &str = "sigmoid";
pub(crate) const SOURCE: &str = with_exponentials!("sigmoid.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = false;

pub(crate) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    logistic(z)
}

pub(crate) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    y * (T::ONE - y)
}
