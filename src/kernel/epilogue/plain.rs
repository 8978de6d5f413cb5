//! out = value.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/epilogue/plain.wgsl");
