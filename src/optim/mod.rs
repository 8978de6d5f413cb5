//! Optimizers, learning-rate schedules and parameter groups.
//!
//! Every optimizer starts from its learning rate and has a setter for each further setting:
//!
//! ```
//! use wgrad::optim::{AdamW, Optimizer, Sgd};
//! let optimizers: [Optimizer; 2] = [
//!     AdamW::new(1e-3).weight_decay(0.1).into(),
//!     Sgd::new(0.1).momentum(0.9).nesterov(true).into(),
//! ];
//! ```
//!
//! [`Optimizer::ALL`] lists them. Their rules and kernels are in `src/kernel/update`.

mod coefficients;
mod group;
mod one_cycle;
mod plateau;
mod ranges;
mod schedule;
mod setting;
#[cfg(test)]
mod tests;

pub use crate::kernel::optimizers::*;
pub use crate::kernel::{Clip, Factors, Optimizer};
pub(crate) use coefficients::{Applied, block_factors, coefficients, written};
pub use group::ParameterGroup;
pub(crate) use group::{check_groups, fixed_layers, matches};
pub use one_cycle::{Anneal, OneCycle};
pub(crate) use plateau::PlateauState;
pub use plateau::{Better, Plateau, ReduceOnPlateau, Threshold};
pub(crate) use ranges::{at_least, rate_factor};
pub use schedule::Schedule;
pub(crate) use setting::Coefficients;
