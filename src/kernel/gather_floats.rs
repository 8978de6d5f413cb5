//! One row of a data set of floats: x = (value·unit − centre)·scale.

use super::Real;
use super::scaling::Scaling;

pub(crate) const SOURCE: &str = include_str!("../../shaders/gather_floats.wgsl");

pub(crate) fn run<T: Real>(row: &[T], scaling: Scaling, x: &mut [T]) {
    for (x, &value) in x.iter_mut().zip(row) {
        *x = scaling.of(value);
    }
}
