//! Conversion of one row of a float data set: x = (value·unit − centre)·scale.

use super::scaling::Scaling;
use crate::kernel::base::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/gather/floats.wgsl");

pub(crate) fn run<T: Real>(row: &[T], scaling: Scaling, x: &mut [T]) {
    for (x, &value) in x.iter_mut().zip(row) {
        *x = scaling.of(value);
    }
}
