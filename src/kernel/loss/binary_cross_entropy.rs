//! loss = −q·ln max(x, 10⁻³⁰) − n·ln max(1 − x, 10⁻³⁰), x probabilities, q = w₁·t and n = w₀·(1 − t) the shares of labels
//! 1 and 0 with their class weights. dloss = n/(1 − x) − q/x; each of the two is 0 where its logarithm is flat.

use super::cross_entropy::least;
use super::row::Shares;
use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/binary_cross_entropy.wgsl");

pub(crate) fn loss<T: Real>(x: T, shares: Shares<T>) -> T {
    let y = T::ONE - x;
    -(shares.positive * x.max(least()).ln() + shares.negative * y.max(least()).ln())
}

pub(crate) fn dloss<T: Real>(x: T, shares: Shares<T>) -> T {
    let quotient = |share: T, x: T| if x < least() { T::ZERO } else { share / x };
    quotient(shares.negative, T::ONE - x) - quotient(shares.positive, x)
}
