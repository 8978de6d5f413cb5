//! Activation: y = f(z).

use crate::kernel::activation::Activation;
use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/activate.wgsl");

pub(crate) fn run<T: Real>(f: Activation, z: &[T], y: &mut [T], shape: MatrixShape) {
    for_rows(y, shape, |i, y| f.apply(row_of(z, shape, i), y));
}
