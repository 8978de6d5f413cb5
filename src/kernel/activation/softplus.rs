//! y = ln(1 + exp(βz))/β, from exp(−|βz|), which cannot overflow; y = z where βz > threshold.
//! alpha = β, beta = threshold.

use super::exponentials::{logistic, with_exponentials};
use crate::kernel::Real;

pub(crate) const NAME: &str = "softplus";
pub(crate) const SOURCE: &str = with_exponentials!("softplus.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = true;

pub(crate) fn f<T: Real>(z: T, alpha: T, beta: T) -> T {
    let u = alpha * z;
    if u > beta {
        return z;
    }
    z.max(T::ZERO) + (-u.abs()).exp().ln_1p() / alpha
}

/// σ(βz), or 1 beyond the threshold. Not from y: where the threshold is low, y jumps down there.
pub(crate) fn df<T: Real>(z: T, alpha: T, beta: T) -> T {
    let u = alpha * z;
    if u > beta { T::ONE } else { logistic(u) }
}
