//! Training: steps, epochs and fits over a data set on the device, evaluation, and checkpoints.

mod accumulate;
mod builder;
mod calls;
mod carried;
mod check;
mod checkpoint;
mod debug_text;
mod evaluate;
mod fit;
mod group;
mod identity;
mod inspect;
mod inspection;
#[cfg(test)]
mod interruptions;
mod memory;
mod metadata;
mod order;
mod pace;
mod phase;
mod pipeline;
mod profile;
mod rate;
mod remembered;
mod report;
mod resident;
mod restore;
mod resume;
mod resync;
mod rule_memory;
mod rules;
mod run;
mod setting_names;
mod settings;
mod state;
mod state_buffers;
mod steps;
mod tasks;
mod totals;
mod trainer;
mod tune;
mod written_rules;

pub use crate::plan::Plan;
pub use builder::TrainerBuilder;
pub use fit::{Fit, History, Stopped};
pub use inspection::{ActivationInspection, Inspection, ParameterInspection};
pub use phase::Phase;
pub use profile::{Profile, ProfiledCall};
pub use report::{EpochReport, Evaluation, Progress, StepReport, TermReport};
pub use resume::Resume;
pub use rules::{EarlyStopping, Metric, PlateauMetric, StopRule};
pub use trainer::Trainer;

#[cfg(test)]
mod counter_tests;
