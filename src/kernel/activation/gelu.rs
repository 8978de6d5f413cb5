//! GELU: y = z·Φ(z) with the normal distribution function Φ, which keeps its relative accuracy in the left tail.

use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "gelu",
    sources: ["", include_str!("../../../shaders/activation/gelu.wgsl")],
    derivative_needs_z: true,
    ..Traits::DEFAULT
};

#[inline(always)]
pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    z * z.quick_normal()[0]
}

/// Φ(z) + z·φ(z), φ the normal density exp(−z²/2)/√(2π).
#[inline(always)]
pub(super) fn df<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    let [distribution, power] = z.quick_normal();
    distribution + z * (T::of(0.398_942_280_401_432_7) * power)
}
