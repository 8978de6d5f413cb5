//! z = value + bias and out = f(z): both are written.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/epilogue/keep.wgsl");
