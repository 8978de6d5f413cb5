//! The class weights, by column and by label.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/class_weights.wgsl");
