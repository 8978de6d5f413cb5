//! Natural logarithm: ln x.

use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/log.wgsl");

pub(crate) fn run<T: Real>(a: &[T], out: &mut [T], shape: MatrixShape) {
    for_rows(out, shape, |i, out| {
        for (out, &a) in out.iter_mut().zip(row_of(a, shape, i)) {
            *out = a.ln();
        }
    });
}
