//! y = z where z > 0, else α(exp(z/α) − 1). Since α is positive, y has the sign of z, and exp(z/α) = y/α + 1.

use super::exponentials::with_exponentials;
use crate::kernel::Real;

pub(crate) const NAME: &str = "celu";
pub(crate) const SOURCE: &str = with_exponentials!("celu.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = false;

pub(crate) fn f<T: Real>(z: T, alpha: T, _beta: T) -> T {
    if z > T::ZERO {
        z
    } else {
        alpha * (z / alpha).exp_m1()
    }
}

pub(crate) fn df<T: Real>(y: T, alpha: T, _beta: T) -> T {
    if y > T::ZERO {
        T::ONE
    } else {
        y / alpha + T::ONE
    }
}
