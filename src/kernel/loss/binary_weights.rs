//! Class weights of criteria with two labels in every column.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/binary_weights.wgsl");
