//! Gradient of PReLU's input: dx = dy where x > 0, else a·dy.

use super::prelu::slope;
use crate::kernel::base::rows::{for_rows, row_of};
use crate::kernel::base::{MatrixShape, Real};

pub(crate) const SOURCE: &str = include_str!("../../../shaders/elementwise/prelu_backward.wgsl");

pub(crate) fn run<T: Real>([dy, x, a]: [&[T]; 3], shared: bool, dx: &mut [T], shape: MatrixShape) {
    for_rows(dx, shape, |i, dx| {
        let (dy, x) = (row_of(dy, shape, i), row_of(x, shape, i));
        for (j, ((dx, &dy), &x)) in dx.iter_mut().zip(dy).zip(x).enumerate() {
            *dx = if x > T::ZERO {
                dy
            } else {
                slope(a, shared, j) * dy
            };
        }
    });
}
