//! loss = t(ln t − x), x log-probabilities; 0 where t is below the least normal `f32`, of which GPUs may take no logarithm.

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/kl_divergence.wgsl");

pub(crate) fn loss<T: Real>(x: T, t: T, _: T) -> T {
    if t < least() {
        T::ZERO
    } else {
        t * (t.ln() - x)
    }
}

pub(crate) fn dloss<T: Real>(_x: T, t: T, _: T) -> T {
    if t < least() { T::ZERO } else { -t }
}

fn least<T: Real>() -> T {
    T::of(f32::MIN_POSITIVE.into())
}
