//! [`Statistics`](super::Statistics) of a tensor.

pub(crate) const SOURCE: &str = include_str!("../../shaders/statistics_value.wgsl");
