//! Terms of the gradient of PReLU's slope: dy ⊙ min(x, 0). Their column sums are da. For a shared slope, da is the
//! total.

use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/prelu_slope.wgsl");

pub(crate) fn run<T: Real>(dy: &[T], x: &[T], out: &mut [T], shape: MatrixShape) {
    for_rows(out, shape, |i, out| {
        let (dy, x) = (row_of(dy, shape, i), row_of(x, shape, i));
        for ((out, &dy), &x) in out.iter_mut().zip(dy).zip(x) {
            *out = dy * if x > T::ZERO { T::ZERO } else { x };
        }
    });
}
