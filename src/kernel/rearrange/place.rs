//! Columns amid zeros: out[i, start + j] = a[i, j].

use crate::kernel::base::rows::row_of;
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/rearrange/place.wgsl");

pub(crate) fn run<T: Real>(a: &[T], shape: MatrixShape, i: usize, start: usize, out: &mut [T]) {
    out.fill(T::ZERO);
    out[start..][..shape.cols].copy_from_slice(row_of(a, shape, i));
}
