//! Writes one vec4 of the product, through the epilogue, with zeros in the padding.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/epilogue/store.wgsl");
