//! Repetition of a row a [1, cols] in every row of the output.

use crate::kernel::base::rows::for_rows;
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/repeat_row.wgsl");

pub(crate) fn run<T: Real>(a: &[T], out: &mut [T], shape: MatrixShape) {
    for_rows(out, shape, |_, out| out.copy_from_slice(&a[..shape.cols]));
}
