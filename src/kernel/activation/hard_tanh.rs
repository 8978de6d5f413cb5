//! Hard tanh: y = min(max(z, min), max); alpha = min, beta = max. The derivative is 0 at both bends.

use super::parameters::require;
use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "hard_tanh",
    sources: [
        "",
        include_str!("../../../shaders/activation/hard_tanh.wgsl"),
    ],
    check: |[min, max]| {
        require(min.is_finite(), "the minimum of hard tanh", "finite", min)?;
        let expected = "finite and above the minimum";
        let fits = max.is_finite() && max > min;
        require(fits, "the maximum of hard tanh", expected, max)
    },
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, alpha: T, beta: T) -> T {
    z.max(alpha).min(beta)
}

pub(super) fn df<T: Real>(y: T, alpha: T, beta: T) -> T {
    if y > alpha && y < beta {
        T::ONE
    } else {
        T::ZERO
    }
}
