//! Log-sigmoid: y = ln σ(z) = min(z, 0) − ln(1 + exp(−|z|)); the derivative σ(−z) = 1 − exp y is accurate when computed
//! from y.

use super::{Traits, exponentials};
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "log_sigmoid",
    sources: [
        exponentials::SOURCE,
        include_str!("../../../shaders/activation/log_sigmoid.wgsl"),
    ],
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    z.min(T::ZERO) - (-z.abs()).exp().ln_1p()
}

pub(super) fn df<T: Real>(y: T, _alpha: T, _beta: T) -> T {
    -y.exp_m1()
}
