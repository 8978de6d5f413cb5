//! Writes the gradient of the third input.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/third_gradient.wgsl");
