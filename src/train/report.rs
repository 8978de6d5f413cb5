//! Reports of training.

/// One training step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepReport {
    /// The step's number, from 0.
    pub step: u64,
    /// The loss of the batch, before the step's update.
    pub loss: f64,
    /// Fraction of the batch whose first maximal output was the label's; NaN where the loss takes no labels.
    pub accuracy: f64,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Euclidean norm of the whole gradient, if [`gradient_norm`](crate::TrainerBuilder::gradient_norm) was asked for.
    pub gradient_norm: Option<f64>,
}

/// How far an epoch is, as results arrive: some steps late, on a GPU. See
/// [`progress_every`](crate::TrainerBuilder::progress_every).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The last step that is done.
    pub last: StepReport,
    /// Samples of this call that are done.
    pub samples: usize,
    /// Samples that an epoch sees.
    pub total: usize,
    /// The loss over this call's samples so far.
    pub loss: f64,
    /// Accuracy over this call's samples so far.
    pub accuracy: f64,
}

/// An epoch, or what was left of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EpochReport {
    /// The epoch's number, from 0.
    pub epoch: u32,
    /// Steps that were run.
    pub steps: u64,
    /// Samples that were seen.
    pub samples: usize,
    /// The loss, as if those samples had been one batch, each with the network as it was when its step came.
    pub loss: f64,
    /// The terms that the loss is the sum of.
    pub terms: Vec<TermReport>,
    /// Fraction of those samples whose first maximal output was the label's; NaN where the loss takes no labels.
    pub accuracy: f64,
    /// Wall-clock seconds.
    pub seconds: f64,
}

impl EpochReport {
    /// Samples per second of wall-clock time.
    pub fn samples_per_second(&self) -> f64 {
        self.samples as f64 / self.seconds
    }
}

/// One term of a loss.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TermReport {
    /// Its name; `loss` for the loss of a network's output.
    pub name: String,
    /// Its value, with its factor.
    pub loss: f64,
}

/// The network on a data set, without training.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// The loss, as if all samples were one batch.
    pub loss: f64,
    /// The terms that the loss is the sum of.
    pub terms: Vec<TermReport>,
    /// Fraction of the samples whose first maximal output was the label's; NaN where the loss takes no labels.
    pub accuracy: f64,
    /// How many samples.
    pub samples: usize,
}
