//! Softplus: y = ln(1 + exp(βz))/β, from exp(−|βz|), which cannot overflow; y = z where βz > threshold.
//! alpha = β, beta = threshold.

use super::exponentials::{self, logistic};
use super::parameters::{at_least_0, scale};
use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "softplus",
    sources: [
        exponentials::SOURCE,
        include_str!("../../../shaders/activation/softplus.wgsl"),
    ],
    derivative_needs_z: true,
    check: |[beta, threshold]| {
        scale("beta of softplus", beta)?;
        at_least_0("the threshold of softplus", threshold)
    },
    // Above 100 both branches equal z to the last bit, also in f64.
    prepare: |[beta, threshold]| [beta, threshold.min(100.0)],
};

pub(super) fn f<T: Real>(z: T, alpha: T, beta: T) -> T {
    let u = alpha * z;
    if u > beta {
        return z;
    }
    z.max(T::ZERO) + (-u.abs()).exp().ln_1p() / alpha
}

/// σ(βz), or 1 beyond the threshold. It is not computed from y, since y has a downward jump at a low threshold.
pub(super) fn df<T: Real>(z: T, alpha: T, beta: T) -> T {
    let u = alpha * z;
    if u > beta { T::ONE } else { logistic(u) }
}
