//! loss = exp(x) − t·x, x the logarithm of the rate.

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/poisson_nll.wgsl");

pub(crate) fn loss<T: Real>(x: T, t: T, _: T) -> T {
    x.exp() - t * x
}

pub(crate) fn dloss<T: Real>(x: T, t: T, _: T) -> T {
    x.exp() - t
}
