//! loss = −t·ln max(x, 10⁻³⁰), x probabilities; dloss = −t/x, or 0 where x < 10⁻³⁰, as the loss is flat there.

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/cross_entropy.wgsl");

pub(crate) fn loss<T: Real>(x: T, t: T, _: T) -> T {
    -t * x.max(least()).ln()
}

pub(crate) fn dloss<T: Real>(x: T, t: T, _: T) -> T {
    if x < least() { T::ZERO } else { -t / x }
}

/// The least probability that a logarithm is taken of.
pub(crate) fn least<T: Real>() -> T {
    T::of(f64::from(1e-30f32))
}
