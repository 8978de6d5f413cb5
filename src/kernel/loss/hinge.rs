//! loss = max(0, margin − t·x), t = ±1.

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/hinge.wgsl");

pub(crate) fn loss<T: Real>(x: T, t: T, margin: T) -> T {
    (margin - t * x).max(T::ZERO)
}

pub(crate) fn dloss<T: Real>(x: T, t: T, margin: T) -> T {
    if t * x < margin { -t } else { T::ZERO }
}
