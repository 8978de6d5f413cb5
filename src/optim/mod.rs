//! Learning-rate schedules. The optimizers themselves are with their kernel, in `kernel/update`.

mod one_cycle;
mod plateau;
mod ranges;
mod schedule;

pub use one_cycle::{Anneal, OneCycle};
pub(crate) use plateau::PlateauState;
pub use plateau::{Better, Plateau, ReduceOnPlateau, Threshold};
pub use schedule::Schedule;
