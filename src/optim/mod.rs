//! Learning-rate schedules. The optimizers themselves are with their kernel, in `kernel/update`.

mod schedule;

pub use schedule::Schedule;
