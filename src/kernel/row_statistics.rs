//! The mean of a row and 1/√(variance + ε), variance = 1/n·Σⱼ (xⱼ − mean)², which takes a second pass over the row.

use super::Real;
use super::cascade::sum_of;

pub(crate) const SOURCE: &str = include_str!("../../shaders/row_statistics.wgsl");

pub(crate) fn run<T: Real>(x: &[T], epsilon: T) -> [T; 2] {
    let count = T::of(x.len() as f64);
    let mean = sum_of(x, |x| x) / count;
    let variance = sum_of(x, |x| (x - mean) * (x - mean)) / count;
    [mean, T::ONE / (variance + epsilon).sqrt()]
}
