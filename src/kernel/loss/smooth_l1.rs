//! loss = ½d²/β where |d| < β, else |d| − ½β; d = x − t.

use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/smooth_l1.wgsl");

pub(crate) fn loss<T: Real>(x: T, t: T, beta: T) -> T {
    let (d, half) = ((x - t).abs(), T::of(0.5));
    if d < beta {
        half * d * (d / beta)
    } else {
        d - half * beta
    }
}

pub(crate) fn dloss<T: Real>(x: T, t: T, beta: T) -> T {
    let d = x - t;
    if d.abs() < beta { d / beta } else { d.sign() }
}
