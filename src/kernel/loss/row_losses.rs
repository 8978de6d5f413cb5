//! Writes the losses of the rows, for reduction by the caller.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/row_losses.wgsl");
