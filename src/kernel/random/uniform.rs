//! Uniform numbers: low + (high − low)·u, the product and the sum each rounded, and below high.

use super::unit;
use crate::kernel::base::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/random/uniform.wgsl");

pub(crate) fn run<T: Real>(words: [u32; 4], low: f32, high: f32) -> [T; 4] {
    let [low, width, last] = [low, high - low, high.next_down()].map(|value| T::of(value.into()));
    words.map(|word| (low + width * unit(word)).min(last))
}
