//! One row of a data set of floats: x = value·scale + shift.

use super::Real;

pub(crate) const SOURCE: &str = include_str!("../../shaders/gather_floats.wgsl");

pub(crate) fn run<T: Real>(row: &[T], scale: T, shift: T, x: &mut [T]) {
    for (x, &value) in x.iter_mut().zip(row) {
        *x = value * scale + shift;
    }
}
