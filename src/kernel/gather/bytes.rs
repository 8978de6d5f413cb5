//! Conversion of one row of a byte data set, four bytes per word: x = (byte·unit − centre)·scale.

use super::scaling::Scaling;
use crate::kernel::base::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/gather/bytes.wgsl");

pub(crate) fn run<T: Real>(row: &[u32], scaling: Scaling, x: &mut [T]) {
    for (x, word) in x.chunks_mut(4).zip(row) {
        for (x, byte) in x.iter_mut().zip(word.to_le_bytes()) {
            *x = scaling.of(T::of(byte.into()));
        }
    }
}
