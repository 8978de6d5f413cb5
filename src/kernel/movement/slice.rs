//! Slice along a dimension: out[l] = a[start + l].

use super::blocks::Blocks;
use crate::kernel::base::rows::row_of;
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/movement/slice.wgsl");

pub(crate) fn run<T: Real>(
    a: &[T],
    shape: MatrixShape,
    [rows, columns]: [Blocks; 2],
    i: usize,
    out: &mut [T],
) {
    let row = row_of(a, shape, i / rows.out * rows.a + i % rows.out + rows.start);
    for (block, out) in out.chunks_mut(columns.out).enumerate() {
        out.copy_from_slice(&row[block * columns.a + columns.start..][..columns.out]);
    }
}
