//! Tanh: y = tanh z.

use super::{Traits, exponentials};
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "tanh",
    sources: [
        exponentials::SOURCE,
        include_str!("../../../shaders/activation/tanh.wgsl"),
    ],
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    z.tanh()
}

pub(super) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    T::ONE - y * y
}
