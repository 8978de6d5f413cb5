//! Eight parameters at a time, as 64-bit words: half the loads and stores where each is a loop over the lanes.

pub(super) const SOURCE: &str = include_str!("../../../shaders/update/eights.wgsl");
