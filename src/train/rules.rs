//! Rules of a fit: early stopping, the stop rule on the size of updates, and the metric of a plateau.

use super::{Evaluation, Inspection};
use crate::optim::at_least;
use crate::{Better, Error, Result};

/// Metric of an [`Evaluation`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Metric {
    /// The loss: lower is better.
    #[default]
    Loss,
    /// The accuracy: higher is better.
    Accuracy,
}

/// Early stopping on a validation score, with the best weights kept (Prechelt 1998; Keras' `EarlyStopping` with
/// `restore_best_weights`). Training ends when the score has not improved for `patience` epochs. The network then has
/// the weights and running statistics of its best epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct EarlyStopping {
    pub(super) patience: u32,
    pub(super) metric: Metric,
    pub(super) min_delta: f64,
}

impl EarlyStopping {
    /// Stops after `patience` epochs without a better validation loss.
    pub fn new(patience: u32) -> Self {
        EarlyStopping {
            patience,
            metric: Metric::Loss,
            min_delta: 0.0,
        }
    }

    /// The score; [`Metric::Loss`] by default.
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    /// Minimum improvement: a score counts as better only if it improves by more than this; 0 by default.
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.min_delta = min_delta;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.patience == 0 {
            return Err(Error::argument(
                "the patience of early stopping",
                "at least 1",
                0,
            ));
        }
        at_least("the least improvement of early stopping", self.min_delta)
    }

    /// Score of an evaluation: greater is better. NaN is never better.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the score is an accuracy and the loss has none.
    pub(super) fn score(&self, evaluation: &Evaluation) -> Result<f64> {
        match self.metric {
            Metric::Loss => Ok(-evaluation.loss),
            Metric::Accuracy => evaluation.accuracy.ok_or_else(|| {
                Error::argument(
                    "the loss for early stopping by accuracy",
                    "one that takes labels",
                    "no accuracy",
                )
            }),
        }
    }
}

/// Stop rule on the relative size of updates: training ends when ‖Δθ‖ ≤ tolerance·(‖θ‖ + ε), ε = 10⁻⁸, holds in several
/// consecutive checks, where Δθ is a step's update of the weights θ. The device computes the norms.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct StopRule {
    pub(super) tolerance: f64,
    pub(super) every: u64,
    pub(super) checks: u32,
}

impl StopRule {
    /// Checks every 100th update, and stops after 3 consecutive checks that hold.
    pub fn new(tolerance: f64) -> Self {
        StopRule {
            tolerance,
            every: 100,
            checks: 3,
        }
    }

    /// Number of updates between checks: updates are counted from 1, and those whose number is a multiple of this are
    /// checked. (With accumulation an update is several steps.)
    pub fn every(mut self, steps: u64) -> Self {
        self.every = steps;
        self
    }

    /// Number of consecutive checks that must hold.
    pub fn checks(mut self, checks: u32) -> Self {
        self.checks = checks;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        at_least("the tolerance of the stop rule", self.tolerance)?;
        if self.every == 0 || self.checks == 0 {
            return Err(Error::argument(
                "steps and checks of the stop rule",
                "at least 1",
                0,
            ));
        }
        Ok(())
    }

    /// Whether an update was small enough.
    pub(super) fn holds(&self, inspection: &Inspection) -> bool {
        const EPSILON: f64 = 1e-8;
        inspection.update_norm() <= self.tolerance * (inspection.weight_norm() + EPSILON)
    }
}

/// Metric that the plateau of [`reduce_on_plateau`](crate::TrainerBuilder::reduce_on_plateau) observes after every
/// epoch of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum PlateauMetric {
    /// Loss of the epoch's training steps, each with the weights at that step.
    TrainingLoss,
    /// Accuracy of the epoch's training steps.
    TrainingAccuracy,
    /// Loss of the evaluation after the epoch.
    ValidationLoss,
    /// Accuracy of the evaluation after the epoch.
    ValidationAccuracy,
    /// No metric of the fit: the program calls [`Trainer::observe`](crate::Trainer::observe) with one of its own.
    Manual,
}

impl PlateauMetric {
    /// Default metric: the loss if lower is better, otherwise the accuracy; of the validation set if there is one.
    pub(super) fn usual(better: Better, validation: bool) -> Self {
        match (better, validation) {
            (Better::Lower, true) => PlateauMetric::ValidationLoss,
            (Better::Lower, false) => PlateauMetric::TrainingLoss,
            (Better::Higher, true) => PlateauMetric::ValidationAccuracy,
            (Better::Higher, false) => PlateauMetric::TrainingAccuracy,
        }
    }

    /// Refuses a metric that is not available, or that improves in the other direction.
    pub(super) fn check(self, better: Better, validation: bool) -> Result<()> {
        use PlateauMetric::{TrainingAccuracy, TrainingLoss, ValidationAccuracy, ValidationLoss};
        if !validation && matches!(self, ValidationLoss | ValidationAccuracy) {
            return Err(Error::argument(
                "the metric of a plateau",
                "a training metric, unless the fit has a validation set (`Fit::validation`)",
                "a validation metric without a validation set",
            ));
        }
        let wanted = match self {
            TrainingLoss | ValidationLoss => Better::Lower,
            TrainingAccuracy | ValidationAccuracy => Better::Higher,
            PlateauMetric::Manual => return Ok(()),
        };
        if better != wanted {
            let [expected, found] = match better {
                Better::Lower => [
                    "a loss, since lower is better for its plateau",
                    "an accuracy",
                ],
                Better::Higher => [
                    "an accuracy, since higher is better for its plateau",
                    "a loss",
                ],
            };
            return Err(Error::argument("the metric of a plateau", expected, found));
        }
        Ok(())
    }
}
