//! Soft shrink: y = z − λ where z > λ, z + λ where z < −λ, else 0; alpha = λ, which is not negative.

use super::parameters::at_least_0;
use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "soft_shrink",
    sources: [
        "",
        include_str!("../../../shaders/activation/soft_shrink.wgsl"),
    ],
    check: |[lambda, _]| at_least_0("lambda of soft shrink", lambda),
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, alpha: T, _beta: T) -> T {
    z - z.max(-alpha).min(alpha)
}

pub(super) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    if y != T::ZERO { T::ONE } else { T::ZERO }
}
