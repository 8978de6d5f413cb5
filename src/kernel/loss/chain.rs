//! Running sums over long rows, in blocks.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/chain.wgsl");

/// Terms up to which one invocation of the shader sums them one after the other.
pub(crate) const SHORT: usize = 64;
