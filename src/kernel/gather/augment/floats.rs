//! The values of a sample of floats; the CPU twin has them as they are.

pub(crate) const SOURCE: &str = include_str!("../../../../shaders/gather/augment/floats.wgsl");
