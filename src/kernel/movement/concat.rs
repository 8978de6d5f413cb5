//! Concatenation of two values along a dimension: a's part, then b's.

use super::blocks::Blocks;
use crate::kernel::base::rows::row_of;
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/movement/concat.wgsl");

pub(crate) fn run<T: Real>(
    [a, b]: [&[T]; 2],
    [a_shape, b_shape]: [MatrixShape; 2],
    [rows, columns]: [Blocks; 2],
    i: usize,
    out: &mut [T],
) {
    let (block, within) = (i / rows.out, i % rows.out);
    if within >= rows.a {
        let row = block * rows.b + within - rows.a;
        return out.copy_from_slice(row_of(b, b_shape, row));
    }
    let row = block * rows.a + within;
    if columns.b == 0 {
        return out.copy_from_slice(row_of(a, a_shape, row));
    }
    let [a, b] = [row_of(a, a_shape, row), row_of(b, b_shape, row)];
    for (block, out) in out.chunks_mut(columns.out).enumerate() {
        let (left, right) = out.split_at_mut(columns.a);
        left.copy_from_slice(&a[block * columns.a..][..columns.a]);
        right.copy_from_slice(&b[block * columns.b..][..columns.b]);
    }
}
