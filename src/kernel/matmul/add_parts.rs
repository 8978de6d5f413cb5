//! Sums of what the invocations of a workgroup found, in a fixed order. The kernel in whose text it stands declares the
//! `workspace`.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/matmul/add_parts.wgsl");
