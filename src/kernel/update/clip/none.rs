//! No clipping.

pub(super) const SOURCE: &str = include_str!("../../../../shaders/update/clip/none.wgsl");
