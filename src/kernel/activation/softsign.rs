//! Softsign: y = z/(1 + |z|). The derivative is computed from z: (1 − |y|)² would cancel in the long tails.

use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "softsign",
    sources: [
        "",
        include_str!("../../../shaders/activation/softsign.wgsl"),
    ],
    derivative_needs_z: true,
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    if z.abs() > T::of(1e30) {
        return if z > T::ZERO { T::ONE } else { -T::ONE };
    }
    z / (T::ONE + z.abs())
}

pub(super) fn df<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    let r = T::ONE / (T::ONE + z.abs());
    r * r
}
