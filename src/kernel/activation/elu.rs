//! ELU: y = z where z > 0, else α(exp z − 1). Since α is not negative, y has the sign of z, and α·exp z = y + α.

use super::parameters::at_least_0;
use super::{Traits, exponentials};
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "elu",
    sources: [
        exponentials::SOURCE,
        include_str!("../../../shaders/activation/elu.wgsl"),
    ],
    check: |[alpha, _]| at_least_0("alpha of ELU", alpha),
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, alpha: T, _beta: T) -> T {
    if z > T::ZERO { z } else { alpha * z.exp_m1() }
}

pub(super) fn df<T: Real>(y: T, alpha: T, _beta: T) -> T {
    if y > T::ZERO { T::ONE } else { y + alpha }
}
