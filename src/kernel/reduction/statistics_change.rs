//! [`Statistics`](super::Statistics) of the difference between a tensor and what it was.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/reduction/statistics_change.wgsl");
