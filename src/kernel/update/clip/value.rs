//! Clipping by value: g ← clamp(g, −c, c).

use crate::kernel::base::Real;

pub(super) const SOURCE: &str = include_str!("../../../../shaders/update/clip/value.wgsl");

pub(super) fn clip<T: Real>(g: T, limit: T) -> T {
    // `min` and `max` would hide a NaN.
    if g.is_nan() {
        g
    } else {
        g.min(limit).max(-limit)
    }
}
