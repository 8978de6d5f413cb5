//! As two 64-bit words. An adapter that runs on a CPU takes a loop over its lanes for every component that it loads or
//! stores, and half as many components take little more than half the time.

pub(crate) const SOURCE: &str = include_str!("../../../shaders/pack/words.wgsl");
