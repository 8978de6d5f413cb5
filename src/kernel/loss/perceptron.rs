//! loss = max(0, −t·x), t = ±1; the derivative at 0 is −t, so that a perceptron that starts at zero learns.

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/perceptron.wgsl");

pub(crate) fn loss<T: Real>(x: T, t: T, _: T) -> T {
    (-t * x).max(T::ZERO)
}

pub(crate) fn dloss<T: Real>(x: T, t: T, _: T) -> T {
    if t * x <= T::ZERO { -t } else { T::ZERO }
}
