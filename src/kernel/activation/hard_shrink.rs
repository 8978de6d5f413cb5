//! Hard shrink: y = z where |z| > λ, else 0; alpha = λ, which is not negative, so y ≠ 0 exactly where |z| > λ.

use super::parameters::at_least_0;
use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "hard_shrink",
    sources: [
        "",
        include_str!("../../../shaders/activation/hard_shrink.wgsl"),
    ],
    check: |[lambda, _]| at_least_0("lambda of hard shrink", lambda),
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, alpha: T, _beta: T) -> T {
    if z.abs() > alpha { z } else { T::ZERO }
}

pub(super) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    if y != T::ZERO { T::ONE } else { T::ZERO }
}
