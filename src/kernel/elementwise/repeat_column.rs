//! Repetition of a column a [rows, 1] in every column of the output.

use crate::kernel::base::rows::for_rows;
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/repeat_column.wgsl");

pub(crate) fn run<T: Real>(a: &[T], out: &mut [T], shape: MatrixShape) {
    let column = MatrixShape::new(shape.rows, 1);
    for_rows(out, shape, |i, out| out.fill(a[i * column.ld()]));
}
