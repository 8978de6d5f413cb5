//! SiLU: y = z·σ(z).

use super::exponentials::{self, logistic};
use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "silu",
    sources: [
        exponentials::SOURCE,
        include_str!("../../../shaders/activation/silu.wgsl"),
    ],
    derivative_needs_z: true,
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    z * logistic(z)
}

/// σ(z)(1 + z·σ(−z)).
pub(super) fn df<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    logistic(z) * (T::ONE + z * logistic(-z))
}
