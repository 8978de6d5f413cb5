//! loss = −t·x, x log-probabilities.

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/negative_log_likelihood.wgsl");

pub(crate) fn loss<T: Real>(x: T, t: T, _: T) -> T {
    -t * x
}

pub(crate) fn dloss<T: Real>(_x: T, t: T, _: T) -> T {
    -t
}
