//! loss = q·ln(1 + exp(−x)) + n·ln(1 + exp(x)), x logits, q = w₁·t and n = w₀·(1 − t) the shares of labels 1 and 0 with
//! their class weights: |x| times the share of the label on the other side, plus (q + n)·ln(1 + exp(−|x|)).
//! dloss = (q + n)·σ(x) − q.

use super::row::Shares;
use crate::kernel::Real;
use crate::kernel::activation::exponentials::logistic;

pub(crate) const SOURCE: &str = concat!(
    include_str!("../../../shaders/activation/exponentials.wgsl"),
    include_str!("../../../shaders/loss/binary_cross_entropy_with_logits.wgsl")
);

pub(crate) fn loss<T: Real>(x: T, shares: Shares<T>) -> T {
    let other = if x >= T::ZERO {
        shares.negative
    } else {
        shares.positive
    };
    x.abs() * other + shares.whole * (-x.abs()).exp().ln_1p()
}

pub(crate) fn dloss<T: Real>(x: T, shares: Shares<T>) -> T {
    shares.whole * logistic(x) - shares.positive
}
