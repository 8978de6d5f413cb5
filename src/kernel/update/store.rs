//! The update that changes the parameters.

pub(super) const SOURCE: &str = include_str!("../../../shaders/update/store.wgsl");
