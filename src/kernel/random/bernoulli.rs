//! Bernoulli numbers: 1 where u < p, else 0; NaN where p is NaN.

use super::uniform::unit;
use crate::kernel::base::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/random/bernoulli.wgsl");

pub(crate) fn run<T: Real>(words: [u32; 4], probability: &[T]) -> [T; 4] {
    std::array::from_fn(|i| match probability[i] {
        p if p.is_nan() => p,
        p if unit::<T>(words[i]) < p => T::ONE,
        _ => T::ZERO,
    })
}
