//! No factors: the piece in the place of [`grouped`](super::grouped)'s.

pub(super) const SOURCE: &str = include_str!("../../../shaders/update/ungrouped.wgsl");
