//! Sigmoid: y = σ(z) = 1/(1 + exp(−z)).

use super::exponentials::{self, logistic};
use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "sigmoid",
    sources: [
        exponentials::SOURCE,
        include_str!("../../../shaders/activation/sigmoid.wgsl"),
    ],
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    logistic(z)
}

pub(super) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    y * (T::ONE - y)
}
