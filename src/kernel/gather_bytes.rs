//! One row of a data set of bytes, four to a word: x = byte·scale + shift.

use super::Real;

pub(crate) const SOURCE: &str = include_str!("../../shaders/gather_bytes.wgsl");

pub(crate) fn run<T: Real>(row: &[u32], scale: T, shift: T, x: &mut [T]) {
    for (x, word) in x.chunks_mut(4).zip(row) {
        for (x, byte) in x.iter_mut().zip(word.to_le_bytes()) {
            *x = T::of(byte.into()) * scale + shift;
        }
    }
}
