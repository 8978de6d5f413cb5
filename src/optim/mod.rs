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

mod group;
mod one_cycle;
mod plateau;
mod ranges;
mod schedule;

pub use crate::kernel::optimizers::*;
pub use crate::kernel::{Clip, Factors, Optimizer};
pub use group::ParameterGroup;
pub(crate) use group::{block_factors, check_groups, factors, fixed_layers, matches};
pub use one_cycle::{Anneal, OneCycle};
pub(crate) use plateau::PlateauState;
pub use plateau::{Better, Plateau, ReduceOnPlateau, Threshold};
pub(crate) use ranges::{at_least, rate_factor};
pub use schedule::Schedule;
