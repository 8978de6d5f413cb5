//! loss = |x − t|; the derivative at 0 is 0.

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/absolute_error.wgsl");

pub(crate) fn loss<T: Real>(x: T, t: T, _: T) -> T {
    (x - t).abs()
}

pub(crate) fn dloss<T: Real>(x: T, t: T, _: T) -> T {
    (x - t).sign()
}
