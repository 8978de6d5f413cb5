//! Hard sigmoid: y = min(max(slope·z + offset, 0), 1); alpha = slope, beta = offset. The derivative is 0 where y is 0
//! or 1.

use super::parameters::{require, scale};
use super::traits::Traits;
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "hard_sigmoid",
    sources: [
        "",
        include_str!("../../../shaders/activation/hard_sigmoid.wgsl"),
    ],
    check: |[slope, offset]| {
        scale("the slope of hard sigmoid", slope)?;
        let what = "the offset of hard sigmoid";
        require(offset.abs() <= 1e6, what, "from -1e6 to 1e6", offset)
    },
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, alpha: T, beta: T) -> T {
    (alpha * z + beta).max(T::ZERO).min(T::ONE)
}

pub(super) fn df<T: Real>(y: T, alpha: T, _beta: T) -> T {
    if y > T::ZERO && y < T::ONE {
        alpha
    } else {
        T::ZERO
    }
}
