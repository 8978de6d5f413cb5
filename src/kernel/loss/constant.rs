//! The target where it is one number for all elements, or there is none.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/constant.wgsl");
