//! [Clipping by norm](super::norm) for adapters that run on a CPU, where barriers are dear: every invocation adds up all
//! the partial sums, in registers, and updates more elements to make up for it.

pub(super) const SOURCE: &str = include_str!("../../../../shaders/update/clip/norm_direct.wgsl");
