//! [`Statistics`](super::Statistics) of a tensor.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/reduction/statistics_value.wgsl");
