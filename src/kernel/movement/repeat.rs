//! Repetition of a dimension of length 1: out[l] = a[0].

use super::blocks::Blocks;
use crate::kernel::base::rows::row_of;
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/movement/repeat.wgsl");

pub(crate) fn run<T: Real>(
    a: &[T],
    shape: MatrixShape,
    [rows, columns]: [Blocks; 2],
    i: usize,
    out: &mut [T],
) {
    let row = row_of(a, shape, i / rows.out * rows.a + i % rows.out % rows.a);
    for (block, out) in out.chunks_mut(columns.out).enumerate() {
        for out in out.chunks_mut(columns.a) {
            out.copy_from_slice(&row[block * columns.a..][..columns.a]);
        }
    }
}
