//! out = f(value + bias).

pub(crate) const SOURCE: &str = include_str!("../../../shaders/epilogue/activation.wgsl");
