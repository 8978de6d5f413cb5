//! [`Statistics`](super::Statistics) of the difference between a tensor and what it was.

pub(crate) const SOURCE: &str = include_str!("../../shaders/statistics_change.wgsl");
