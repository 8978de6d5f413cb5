//! loss = t(ln t − x), x log-probabilities; 0 where t ≤ 0.

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/kl_divergence.wgsl");

pub(crate) fn loss<T: Real>(x: T, t: T, _: T) -> T {
    if t > T::ZERO {
        t * (t.ln() - x)
    } else {
        T::ZERO
    }
}

pub(crate) fn dloss<T: Real>(_x: T, t: T, _: T) -> T {
    -t.max(T::ZERO)
}
