//! Hadamard product: a ⊙ b.

use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/mul.wgsl");

pub(crate) fn run<T: Real>(a: &[T], b: &[T], out: &mut [T], shape: MatrixShape) {
    for_rows(out, shape, |i, out| {
        let (a, b) = (row_of(a, shape, i), row_of(b, shape, i));
        for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
            *out = a * b;
        }
    });
}
