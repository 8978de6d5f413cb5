//! What may end a fit: early stopping, and a rule on the size of updates; and what a plateau observes.

use super::{Evaluation, Inspection};
use crate::optim::at_least;
use crate::{Better, Error, Result};

/// A number of an [`Evaluation`].
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
/// `restore_best_weights`): training ends when the score has not got better for `patience` epochs, and the network then
/// has the weights (and running statistics) of its best epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct EarlyStopping {
    pub(super) patience: u32,
    pub(super) metric: Metric,
    pub(super) min_delta: f64,
}

impl EarlyStopping {
    /// By the validation loss, after this many epochs without a better one.
    pub fn new(patience: u32) -> Self {
        EarlyStopping {
            patience,
            metric: Metric::Loss,
            min_delta: 0.0,
        }
    }

    /// The score to go by; [`Metric::Loss`] by default.
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    /// A score is better if it is better by more than this; 0 by default.
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

    /// How good an evaluation is: more is better. NaN is not better than any.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the score is an accuracy that the loss does not have.
    pub(super) fn score(&self, evaluation: &Evaluation) -> Result<f64> {
        match self.metric {
            Metric::Loss => Ok(-evaluation.loss),
            Metric::Accuracy if evaluation.accuracy.is_nan() => Err(Error::argument(
                "early stopping by accuracy",
                "of a loss that takes labels",
                "no accuracy",
            )),
            Metric::Accuracy => Ok(evaluation.accuracy),
        }
    }
}

/// The stop rule of textbooks: training ends when a step's update Δθ of the weights θ is very small,
/// ‖Δθ‖ ≤ tolerance·(‖θ‖ + ε), ε = 10⁻⁸, in several checks in a row. Norms are computed on the device.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct StopRule {
    pub(super) tolerance: f64,
    pub(super) every: u64,
    pub(super) checks: u32,
}

impl StopRule {
    /// Checks one update in every 100, and ends training after 3 checks in a row that hold.
    pub fn new(tolerance: f64) -> Self {
        StopRule {
            tolerance,
            every: 100,
            checks: 3,
        }
    }

    /// Checks one update in this many: those whose number, from 1, is a multiple. (With accumulation an update is
    /// several steps.)
    pub fn every(mut self, steps: u64) -> Self {
        self.every = steps;
        self
    }

    /// How many checks in a row must hold.
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

/// What the plateau of [`reduce_on_plateau`](crate::TrainerBuilder::reduce_on_plateau) observes after every epoch of a
/// fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum PlateauMetric {
    /// The loss of the epoch's training steps, each with the weights as they were then.
    TrainingLoss,
    /// Their accuracy.
    TrainingAccuracy,
    /// The loss of the evaluation after the epoch.
    ValidationLoss,
    /// Its accuracy.
    ValidationAccuracy,
    /// Nothing: [`Trainer::observe`](crate::Trainer::observe) is called by hand.
    Nothing,
}

impl PlateauMetric {
    /// What is observed unless a fit names something else: the loss of a plateau for which lower is better, else the
    /// accuracy; of the validation set if there is one.
    pub(super) fn usual(better: Better, validation: bool) -> Self {
        match (better, validation) {
            (Better::Lower, true) => PlateauMetric::ValidationLoss,
            (Better::Lower, false) => PlateauMetric::TrainingLoss,
            (Better::Higher, true) => PlateauMetric::ValidationAccuracy,
            (Better::Higher, false) => PlateauMetric::TrainingAccuracy,
        }
    }

    /// Refuses what cannot be observed, and a metric that gets better the other way.
    pub(super) fn check(self, better: Better, validation: bool) -> Result<()> {
        use PlateauMetric::{TrainingAccuracy, TrainingLoss, ValidationAccuracy, ValidationLoss};
        if !validation && matches!(self, ValidationLoss | ValidationAccuracy) {
            return Err(Error::argument(
                "the metric of a plateau",
                "of the training, or of a fit with a validation set (`Fit::validation`)",
                "a metric of a validation set that is not there",
            ));
        }
        let wanted = match self {
            TrainingLoss | ValidationLoss => Better::Lower,
            TrainingAccuracy | ValidationAccuracy => Better::Higher,
            PlateauMetric::Nothing => return Ok(()),
        };
        if better != wanted {
            let [expected, found] = match better {
                Better::Lower => [
                    "a loss, as its plateau has it that lower is better",
                    "an accuracy",
                ],
                Better::Higher => [
                    "an accuracy, as its plateau has it that higher is better",
                    "a loss",
                ],
            };
            return Err(Error::argument("the metric of a plateau", expected, found));
        }
        Ok(())
    }
}
