//! Losses: a criterion with its reduction, weights and targets.

pub use crate::graph::LossTarget;
pub use crate::kernel::{Criterion, Loss, Reduction};
