//! loss = max(x, 0) − x·t + ln(1 + exp(−|x|)), x logits; of max(x, 0) − x·t is left |x| times the part of the target on
//! the other side.

use crate::kernel::Real;
use crate::kernel::activation::exponentials::logistic;

pub(crate) const SOURCE: &str = concat!(
    include_str!("../../../shaders/activation/exponentials.wgsl"),
    include_str!("../../../shaders/loss/binary_cross_entropy_with_logits.wgsl")
);

pub(crate) fn loss<T: Real>(x: T, t: T, _: T) -> T {
    let other = if x >= T::ZERO { T::ONE - t } else { t };
    x.abs() * other + (-x.abs()).exp().ln_1p()
}

pub(crate) fn dloss<T: Real>(x: T, t: T, _: T) -> T {
    logistic(x) - t
}
