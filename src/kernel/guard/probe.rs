//! What sets the guard before anything is changed: a dry run.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/guard/probe.wgsl");
