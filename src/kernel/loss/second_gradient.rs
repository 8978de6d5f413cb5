//! Writes the gradient of the second input.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/second_gradient.wgsl");
