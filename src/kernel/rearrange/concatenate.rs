//! Two matrices side by side: out[i] is a[i], then b[i].

use crate::kernel::base::rows::row_of;
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/rearrange/concatenate.wgsl");

pub(crate) fn run<T: Real>(
    [a, b]: [&[T]; 2],
    [a_shape, b_shape]: [MatrixShape; 2],
    i: usize,
    out: &mut [T],
) {
    let (left, right) = out.split_at_mut(a_shape.cols);
    left.copy_from_slice(row_of(a, a_shape, i));
    right.copy_from_slice(row_of(b, b_shape, i));
}
