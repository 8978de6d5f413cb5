//! y = ln σ(z) = min(z, 0) − ln(1 + exp(−|z|)); the derivative σ(−z) = 1 − exp y loses nothing from y.

use super::exponentials::with_exponentials;
use crate::kernel::Real;

pub(crate) const NAME: &str = "log_sigmoid";
pub(crate) const SOURCE: &str = with_exponentials!("log_sigmoid.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = false;

pub(crate) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    z.min(T::ZERO) - (-z.abs()).exp().ln_1p()
}

pub(crate) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    -y.exp_m1()
}
