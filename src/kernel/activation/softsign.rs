//! y = z/(1 + |z|); a derivative from y, (1 − |y|)², would lose its digits in the long tails.

use crate::kernel::Real;

pub(crate) const NAME: &str = "softsign";
pub(crate) const SOURCE: &str = include_str!("../../../shaders/activation/softsign.wgsl");
pub(crate) const DERIVATIVE_NEEDS_Z: bool = true;

pub(crate) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    if z.abs() > T::of(1e30) {
        return if z > T::ZERO { T::ONE } else { -T::ONE };
    }
    z / (T::ONE + z.abs())
}

pub(crate) fn df<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    let r = T::ONE / (T::ONE + z.abs());
    r * r
}
