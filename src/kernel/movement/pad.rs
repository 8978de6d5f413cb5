//! Zero padding along a dimension: out[start + l] = a[l], zeros elsewhere.

use super::blocks::Blocks;
use crate::kernel::base::rows::row_of;
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/movement/pad.wgsl");

pub(crate) fn run<T: Real>(
    a: &[T],
    shape: MatrixShape,
    [rows, columns]: [Blocks; 2],
    i: usize,
    out: &mut [T],
) {
    out.fill(T::ZERO);
    let within = (i % rows.out).wrapping_sub(rows.start);
    if within < rows.a {
        let row = row_of(a, shape, i / rows.out * rows.a + within);
        for (block, out) in out.chunks_mut(columns.out).enumerate() {
            let a = &row[block * columns.a..][..columns.a];
            out[columns.start..][..columns.a].copy_from_slice(a);
        }
    }
}
