//! Training: epochs and steps over a data set that lies on the device, evaluation, checkpoints.

mod checkpoint;
mod debug_text;
mod evaluate;
mod fit;
mod group;
mod identity;
mod inspect;
#[cfg(test)]
mod interruptions;
mod memory;
mod options;
mod phase;
mod pipeline;
mod profile;
mod rate;
mod remembered;
mod report;
mod resident;
mod resume;
mod rules;
mod run;
mod trainer;
mod tune;

pub use crate::plan::Plan;
pub use fit::{Fit, History, Stopped};
pub use inspect::{ActivationInspection, Inspection, ParameterInspection};
pub use options::TrainerBuilder;
pub use phase::Phase;
pub use profile::{Profile, ProfiledCall};
pub use report::{EpochReport, Evaluation, Progress, StepReport, TermReport};
pub use resume::Resume;
pub use rules::{EarlyStopping, Metric, PlateauMetric, StopRule};
pub use trainer::Trainer;

#[cfg(test)]
mod counter_tests;
