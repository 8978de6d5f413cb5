//! The entry point that kernels with reductions share, where it needs nothing of subgroups.

pub(crate) const SOURCE: &str = include_str!("../../shaders/entry.wgsl");
