//! What stands in for [`shared_blocks`](super::shared_blocks) where each invocation has a tile of its own.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/software/loaded_blocks.wgsl");
