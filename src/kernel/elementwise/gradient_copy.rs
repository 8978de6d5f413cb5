//! Copy of a gradient into the gradient arena, with the test for NaN and infinity that products have in their epilogue.

use crate::kernel::base::gradient::guard;
use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/gradient_copy.wgsl");

pub(crate) fn run<T: Real>(id: u32, a: &[T], out: &mut [T], state: &mut [u32], shape: MatrixShape) {
    for_rows(out, shape, |i, out| {
        out.copy_from_slice(row_of(a, shape, i));
    });
    guard(id, &out[..shape.floats()], state);
}
