//! y = z·σ(z).

use super::exponentials::{logistic, with_exponentials};
use crate::kernel::Real;

pub(crate) const NAME: &str = "silu";
pub(crate) const SOURCE: &str = with_exponentials!("silu.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = true;

pub(crate) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    z * logistic(z)
}

/// σ(z)(1 + z·σ(−z)).
pub(crate) fn df<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    logistic(z) * (T::ONE + z * logistic(-z))
}
