//! CELU: y = z where z > 0, else α(exp(z/α) − 1). Since α is positive, y has the sign of z, and exp(z/α) = y/α + 1.

use super::parameters::scale;
use super::{Traits, exponentials};
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "celu",
    sources: [
        exponentials::SOURCE,
        include_str!("../../../shaders/activation/celu.wgsl"),
    ],
    check: |[alpha, _]| scale("alpha of CELU", alpha),
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, alpha: T, _beta: T) -> T {
    if z > T::ZERO {
        z
    } else {
        alpha * (z / alpha).exp_m1()
    }
}

pub(super) fn df<T: Real>(y: T, alpha: T, _beta: T) -> T {
    if y > T::ZERO {
        T::ONE
    } else {
        y / alpha + T::ONE
    }
}
