//! Targets from a matrix, tested for NaN and infinity as the inputs are.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/values.wgsl");
