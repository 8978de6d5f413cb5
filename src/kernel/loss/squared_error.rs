//! loss = (x − t)².

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/squared_error.wgsl");

pub(crate) fn loss<T: Real>(x: T, t: T, _: T) -> T {
    (x - t) * (x - t)
}

pub(crate) fn dloss<T: Real>(x: T, t: T, _: T) -> T {
    T::of(2.0) * (x - t)
}
