//! Bias: z = x + b, with b [cols] added to every row.

use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/bias_add.wgsl");

pub(crate) fn run<T: Real>(x: &[T], bias: &[T], z: &mut [T], shape: MatrixShape) {
    for_rows(z, shape, |i, z| {
        for ((z, &x), &b) in z.iter_mut().zip(row_of(x, shape, i)).zip(bias) {
            *z = x + b;
        }
    });
}
