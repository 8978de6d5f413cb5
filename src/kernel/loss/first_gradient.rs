//! Writes the gradient of the first input.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/first_gradient.wgsl");
