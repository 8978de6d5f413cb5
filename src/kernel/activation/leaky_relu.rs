//! Leaky ReLU: y = z where z > 0, else alpha·z. The sign of y is that of z, since alpha is not negative.

use super::parameters::at_least_0;
use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "leaky_relu",
    sources: [
        "",
        include_str!("../../../shaders/activation/leaky_relu.wgsl"),
    ],
    check: |[slope, _]| at_least_0("the slope of leaky ReLU", slope),
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, alpha: T, _beta: T) -> T {
    if z > T::ZERO { z } else { alpha * z }
}

pub(super) fn df<T: Real>(y: T, alpha: T, _beta: T) -> T {
    if y > T::ZERO { T::ONE } else { alpha }
}
