//! Transpose: out[i, j] = a[j, i].

use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/movement/transpose.wgsl");

pub(crate) fn run<T: Real>(a: &[T], shape: MatrixShape, i: usize, out: &mut [T]) {
    for (j, out) in out.iter_mut().enumerate() {
        *out = a[j * shape.ld() + i];
    }
}
