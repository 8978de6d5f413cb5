//! GELU with a tanh approximation: y = ½z(1 + tanh u), u = √(2/π)(z + 0.044715z³), as z·σ(2u), which does not cancel on
//! the left.

use super::exponentials::{self, logistic};
use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "gelu_tanh",
    sources: [
        exponentials::SOURCE,
        include_str!("../../../shaders/activation/gelu_tanh.wgsl"),
    ],
    derivative_needs_z: true,
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    z * logistic(twice_u(bounded(z)))
}

/// σ(v)(1 + z·v′·σ(−v)) with v = 2u.
pub(super) fn df<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    let c = bounded(z);
    let v = twice_u(c);
    let dv = T::of(SLOPE) * (T::ONE + T::of(3.0 * CUBIC) * c * c);
    logistic(v) * (T::ONE + c * dv * logistic(-v))
}

/// 2√(2/π).
const SLOPE: f64 = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::SQRT_2;
const CUBIC: f64 = 0.044_715;

/// For |z| above 12, σ(2u) is 0 or 1 to within 10⁻⁶⁰; the bound keeps the powers finite.
fn bounded<T: Real>(z: T) -> T {
    z.max(T::of(-12.0)).min(T::of(12.0))
}

fn twice_u<T: Real>(z: T) -> T {
    T::of(SLOPE) * z * (T::ONE + T::of(CUBIC) * z * z)
}
