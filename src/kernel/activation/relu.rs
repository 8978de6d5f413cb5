//! ReLU: y = max(z, 0). The derivative at 0 is 0.

use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "relu",
    sources: ["", include_str!("../../../shaders/activation/relu.wgsl")],
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    if z > T::ZERO { z } else { T::ZERO }
}

pub(super) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    if y > T::ZERO { T::ONE } else { T::ZERO }
}
