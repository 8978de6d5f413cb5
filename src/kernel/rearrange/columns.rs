//! Some columns: out[i, j] = a[i, start + j].

use crate::kernel::base::rows::row_of;
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/rearrange/columns.wgsl");

pub(crate) fn run<T: Real>(a: &[T], shape: MatrixShape, i: usize, start: usize, out: &mut [T]) {
    out.copy_from_slice(&row_of(a, shape, i)[start..][..out.len()]);
}
