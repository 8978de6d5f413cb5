//! loss = x: a loss that the graph has computed.

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/value.wgsl");

pub(crate) fn loss<T: Real>(x: T, _t: T, _: T) -> T {
    x
}

pub(crate) fn dloss<T: Real>(_x: T, _t: T, _: T) -> T {
    T::ONE
}
