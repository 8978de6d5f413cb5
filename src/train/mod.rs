//! Training: epochs and steps over a data set that lies on the device, evaluation, checkpoints.

mod checkpoint;
mod evaluate;
mod options;
mod pipeline;
mod rate;
mod report;
mod resident;
mod run;
mod trainer;

pub use options::{Loss, TrainerBuilder};
pub use report::{EpochReport, Evaluation, Progress, StepReport};
pub use trainer::Trainer;

/// Adds the workgroup sums of one step, in their order: the sum of the losses, and the correct rows.
pub(crate) fn sum_metrics(words: &[u32]) -> (f64, usize) {
    let (mut loss, mut correct) = (0.0, 0.0);
    for pair in words.chunks_exact(2) {
        loss += f64::from(f32::from_bits(pair[0]));
        correct += f64::from(f32::from_bits(pair[1]));
    }
    (loss, correct as usize)
}
