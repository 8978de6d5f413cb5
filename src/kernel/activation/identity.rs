//! Identity: y = z.

use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "identity",
    sources: [
        "",
        include_str!("../../../shaders/activation/identity.wgsl"),
    ],
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    z
}

pub(super) fn df<T: Real>(_y: T, _alpha: T, _beta: T) -> T {
    T::ONE
}
