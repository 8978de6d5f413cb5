//! What changes something, unless the guard is set.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/guard/obey.wgsl");
