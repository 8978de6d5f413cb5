//! GELU: y = z·Φ(z) with Φ(z) = ½·erfc(−z/√2), which keeps its relative accuracy in the left tail.

use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "gelu",
    sources: ["", include_str!("../../../shaders/activation/gelu.wgsl")],
    derivative_needs_z: true,
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    z * phi(z)
}

/// Φ(z) + z·φ(z), φ the normal density.
pub(super) fn df<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    let density = T::of(0.398_942_280_401_432_7) * (T::of(-0.5) * z * z).exp();
    phi(z) + z * density
}

/// The normal distribution function Φ.
fn phi<T: Real>(z: T) -> T {
    T::of(0.5) * (-z * T::of(std::f64::consts::FRAC_1_SQRT_2)).erfc()
}
