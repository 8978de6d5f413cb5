//! loss = ½d² where |d| ≤ δ, else δ(|d| − ½δ); d = x − t.

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/huber.wgsl");

pub(crate) fn loss<T: Real>(x: T, t: T, delta: T) -> T {
    let (d, half) = ((x - t).abs(), T::of(0.5));
    if d <= delta {
        half * d * d
    } else {
        delta * (d - half * delta)
    }
}

pub(crate) fn dloss<T: Real>(x: T, t: T, delta: T) -> T {
    (x - t).max(-delta).min(delta)
}
