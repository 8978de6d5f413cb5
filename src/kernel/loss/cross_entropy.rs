//! loss = −t·ln x, x probabilities, counted as 10⁻³⁰ where they are below.

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/cross_entropy.wgsl");

pub(crate) fn loss<T: Real>(x: T, t: T, _: T) -> T {
    -t * x.max(least()).ln()
}

pub(crate) fn dloss<T: Real>(x: T, t: T, _: T) -> T {
    -t / x.max(least())
}

fn least<T: Real>() -> T {
    T::of(f64::from(1e-30f32))
}
