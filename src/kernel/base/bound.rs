//! Loop bounds that come from the uniform block.

/// `bound(number, workgroup)`, which every shader begins with.
pub(crate) const SOURCE: &str = include_str!("../../../shaders/base/bound.wgsl");
