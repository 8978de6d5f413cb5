//! Initial values of parameters: distributions, their scale, and the fans that set it.

pub use crate::graph::{Distribution, Fan, Init};
