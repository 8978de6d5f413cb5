//! Thresholded ReLU: y = z where z > θ, else 0; alpha = θ, which is not negative, so y > 0 exactly where z > θ.

use super::parameters::at_least_0;
use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "thresholded_relu",
    sources: [
        "",
        include_str!("../../../shaders/activation/thresholded_relu.wgsl"),
    ],
    check: |[theta, _]| at_least_0("theta of thresholded ReLU", theta),
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, alpha: T, _beta: T) -> T {
    if z > alpha { z } else { T::ZERO }
}

pub(super) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    if y > T::ZERO { T::ONE } else { T::ZERO }
}
