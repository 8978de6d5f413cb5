//! Reshape: the same elements in rows of another length.

use crate::kernel::base::rows::row_of;
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/movement/reshape.wgsl");

pub(crate) fn run<T: Real>(a: &[T], shape: MatrixShape, i: usize, out: &mut [T]) {
    let (mut place, mut rest) = (i * out.len(), out);
    while !rest.is_empty() {
        let (row, col) = (place / shape.cols, place % shape.cols);
        let n = rest.len().min(shape.cols - col);
        let (now, later) = rest.split_at_mut(n);
        now.copy_from_slice(&row_of(a, shape, row)[col..][..n]);
        (place, rest) = (place + n, later);
    }
}
