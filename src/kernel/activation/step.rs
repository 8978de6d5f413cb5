//! Heaviside step: y = 1 where z ≥ 0, else 0. The derivative is 0 everywhere.

use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "step",
    sources: ["", include_str!("../../../shaders/activation/step.wgsl")],
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    if z >= T::ZERO { T::ONE } else { T::ZERO }
}

pub(super) fn df<T: Real>(_y: T, _alpha: T, _beta: T) -> T {
    T::ZERO
}
