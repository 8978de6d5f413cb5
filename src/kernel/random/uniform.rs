//! Uniform numbers: low + (high − low)·u, with the product and the sum rounded separately, and below high.

use crate::kernel::base::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/random/uniform.wgsl");

pub(crate) fn run<T: Real>(words: [u32; 4], low: f32, high: f32) -> [T; 4] {
    let [low, width, last] = [low, high - low, high.next_down()].map(|value| T::of(value.into()));
    words.map(|word| (low + width * unit(word)).min(last))
}

/// The upper 24 bits of a word, as a number in [0, 1): exact.
pub(super) fn unit<T: Real>(word: u32) -> T {
    T::of(f64::from(word >> 8) / f64::from(1 << 24))
}
