//! Values of a workgroup joined in its memory: a barrier a level, eight levels for 256 invocations.

pub(super) const SOURCE: &str = include_str!("../../../shaders/reduce/tree.wgsl");
