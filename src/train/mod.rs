//! Training: epochs and steps over a data set that lies on the device, evaluation, checkpoints.

mod checkpoint;
mod evaluate;
mod fit;
mod inspect;
mod memory;
mod options;
mod phase;
mod pipeline;
mod profile;
mod rate;
mod report;
mod resident;
mod run;
mod trainer;
mod tune;

pub use fit::{EarlyStopping, Fit, History, Metric, StopRule, Stopped};
pub use inspect::{ActivationInspection, Inspection, ParameterInspection};
pub use options::TrainerBuilder;
pub use phase::Phase;
pub use profile::{Profile, ProfiledCall};
pub use report::{EpochReport, Evaluation, Progress, StepReport, TermReport};
pub use trainer::Trainer;
