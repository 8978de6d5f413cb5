//! Access to the values of a byte sample, four bytes per word.

use crate::kernel::base::Real;

pub(crate) const SOURCE: &str = include_str!("../../../../shaders/gather/augment/bytes.wgsl");

pub(crate) fn values<T: Real>(row: &[u32]) -> impl Iterator<Item = T> {
    let bytes = row.iter().flat_map(|word| word.to_le_bytes());
    bytes.map(|byte| T::of(byte.into()))
}
