//! Hard swish: y = z·min(max(z + 3, 0), 6)/6. The derivative at the bends −3 and 3 is 0 and 1.

use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "hard_swish",
    sources: [
        "",
        include_str!("../../../shaders/activation/hard_swish.wgsl"),
    ],
    derivative_needs_z: true,
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    z * ((z + T::of(3.0)).max(T::ZERO).min(T::of(6.0)) / T::of(6.0))
}

/// (2z + 3)/6 between −3 and 3.
pub(super) fn df<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    if z <= T::of(-3.0) {
        T::ZERO
    } else if z >= T::of(3.0) {
        T::ONE
    } else {
        (z + z + T::of(3.0)) / T::of(6.0)
    }
}
