//! Learning-rate schedules and parameter groups. The optimizers themselves are with their kernel, in `kernel/update`.

mod group;
mod one_cycle;
mod plateau;
mod ranges;
mod schedule;

pub use group::ParameterGroup;
pub(crate) use group::{block_factors, check_groups, factors, fixed_layers, matches};
pub use one_cycle::{Anneal, OneCycle};
pub(crate) use plateau::PlateauState;
pub use plateau::{Better, Plateau, ReduceOnPlateau, Threshold};
pub(crate) use ranges::{at_least, rate_factor};
pub use schedule::Schedule;
