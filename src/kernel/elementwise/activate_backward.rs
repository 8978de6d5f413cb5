//! Activation derivative times the gradient of its output: dz = dy ⊙ f′(saved), where `saved` is y or z as f declares.

use crate::kernel::activation::Activation;
use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/activate_backward.wgsl");

pub(crate) fn run<T: Real>(f: Activation, dy: &[T], saved: &[T], dz: &mut [T], shape: MatrixShape) {
    for_rows(dz, shape, |i, dz| {
        dz.copy_from_slice(row_of(dy, shape, i));
        f.backpropagate(row_of(saved, shape, i), dz);
    });
}
