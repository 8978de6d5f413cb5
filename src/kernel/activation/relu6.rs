//! ReLU6: y = min(max(z, 0), 6). The derivative is 0 at both bends.

use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "relu6",
    sources: ["", include_str!("../../../shaders/activation/relu6.wgsl")],
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    z.max(T::ZERO).min(T::of(6.0))
}

pub(super) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    if y > T::ZERO && y < T::of(6.0) {
        T::ONE
    } else {
        T::ZERO
    }
}
