//! Reports of training.

/// Report of one training step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepReport {
    /// Number of the step, from 0.
    pub step: u64,
    /// Loss of the batch, before the step's update.
    pub loss: f64,
    /// Fraction of the batch whose first maximal output was the label's. `None` if the loss takes no labels, or no row
    /// of the batch has one.
    pub accuracy: Option<f64>,
    /// Learning rate of the step: the optimizer's, as the schedule has it. [Parameter groups](crate::ParameterGroup)
    /// may have others.
    pub learning_rate: f64,
    /// Global Euclidean norm of the gradient, if [`gradient_norm`](crate::TrainerBuilder::gradient_norm) is on.
    pub gradient_norm: Option<f64>,
}

/// Progress of an epoch, as far as results have arrived. On a GPU they arrive a few steps late. See
/// [`progress_every`](crate::TrainerBuilder::progress_every).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Report of the last completed step.
    pub last: StepReport,
    /// Number of samples that this call has completed.
    pub samples: usize,
    /// Number of samples in an epoch.
    pub total: usize,
    /// Loss over this call's samples so far.
    pub loss: f64,
    /// Accuracy over this call's samples so far; `None` as in [`StepReport::accuracy`].
    pub accuracy: Option<f64>,
}

/// Report of an epoch, or of the rest of one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EpochReport {
    /// Number of the epoch, from 0.
    pub epoch: u32,
    /// Number of steps.
    pub steps: u64,
    /// Number of samples.
    pub samples: usize,
    /// Loss as if those samples had been one batch, each with the weights at its step; 0 if there were no steps.
    pub loss: f64,
    /// Terms of the loss, which is the sum of those that were computed.
    pub terms: Vec<TermReport>,
    /// Fraction of those samples whose first maximal output was the label's. `None` if the loss takes no labels, or no
    /// sample has one.
    pub accuracy: Option<f64>,
    /// Wall-clock time in seconds.
    pub seconds: f64,
}

impl EpochReport {
    /// Samples per second of wall-clock time.
    pub fn samples_per_second(&self) -> f64 {
        self.samples as f64 / self.seconds
    }
}

/// Value of one term of a loss.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TermReport {
    /// Name of the term; `loss` for the loss of the network's output.
    pub name: String,
    /// Value of the term, including its factor. `None` if no step of the report computed it, since it belongs to
    /// another [phase](crate::Phase).
    pub loss: Option<f64>,
}

/// Report of an evaluation: the network on a data set, without training.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// Loss as if all samples were one batch.
    pub loss: f64,
    /// Terms of the loss, which is their sum.
    pub terms: Vec<TermReport>,
    /// Fraction of the samples whose first maximal output was the label's. `None` if the loss takes no labels, or no
    /// sample has one.
    pub accuracy: Option<f64>,
    /// Number of samples.
    pub samples: usize,
}
