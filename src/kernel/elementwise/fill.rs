//! Fill: the same number in every element.

use crate::kernel::base::rows::for_rows;
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/fill.wgsl");

pub(crate) fn run<T: Real>(value: T, out: &mut [T], shape: MatrixShape) {
    for_rows(out, shape, |_, out| out.fill(value));
}
