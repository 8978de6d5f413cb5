//! Many epochs in a row, and when to stop.

use super::{EpochReport, Evaluation, Inspection, Trainer};
use crate::data::Dataset;
use crate::kernel::update::check_not_negative;
use crate::nn::Entry;
use crate::{Error, Result};

/// What [`Trainer::fit_until`] is to do: epochs, and what may end them sooner.
///
/// ```
/// use wgrad::{Adam, Dataset, Device, EarlyStopping, Fit, Sequential, Trainer};
/// # fn main() -> wgrad::Result<()> {
/// let xor = Dataset::from_floats(2, vec![0., 0., 0., 1., 1., 0., 1., 1.], vec![0, 1, 1, 0], 2)?;
/// let network = Sequential::new(2).dense(8).tanh().dense(2).build(&Device::cpu(), 1)?;
/// let mut trainer = Trainer::new(network).optimizer(Adam::new(0.05)).build()?;
/// let fit = Fit::epochs(500).validation(&xor).early_stopping(EarlyStopping::new(20));
/// let history = trainer.fit_until(&xor, fit)?;
/// assert!(history.epochs.len() <= 500 && history.evaluations.len() == history.epochs.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Fit<'a> {
    epochs: u32,
    validation: Option<&'a Dataset>,
    early_stopping: Option<EarlyStopping>,
    stop_rule: Option<StopRule>,
}

impl<'a> Fit<'a> {
    /// This many epochs, if nothing ends them sooner.
    pub fn epochs(epochs: u32) -> Self {
        Fit {
            epochs,
            validation: None,
            early_stopping: None,
            stop_rule: None,
        }
    }

    /// Evaluates on this data set after every epoch.
    pub fn validation(mut self, data: &'a Dataset) -> Self {
        self.validation = Some(data);
        self
    }

    /// Ends when the validation score no longer gets better, and keeps the best weights.
    pub fn early_stopping(mut self, rule: EarlyStopping) -> Self {
        self.early_stopping = Some(rule);
        self
    }

    /// Ends when the weights no longer change much.
    pub fn stop_rule(mut self, rule: StopRule) -> Self {
        self.stop_rule = Some(rule);
        self
    }

    fn check(&self) -> Result<()> {
        if self.early_stopping.is_some() && self.validation.is_none() {
            let expected = "for a fit with a validation set";
            return Err(Error::argument("early stopping", expected, "none"));
        }
        self.early_stopping.map_or(Ok(()), |rule| rule.check())?;
        self.stop_rule.map_or(Ok(()), |rule| rule.check())
    }
}

/// A number of an [`Evaluation`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
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
pub struct EarlyStopping {
    patience: u32,
    metric: Metric,
    min_delta: f64,
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

    fn check(&self) -> Result<()> {
        if self.patience == 0 {
            return Err(Error::argument(
                "the patience of early stopping",
                "at least 1",
                0,
            ));
        }
        check_not_negative("the least improvement of early stopping", self.min_delta)
    }

    /// How good an evaluation is: more is better; the worst if it is NaN.
    fn score(&self, evaluation: &Evaluation) -> f64 {
        let score = match self.metric {
            Metric::Loss => -evaluation.loss,
            Metric::Accuracy => evaluation.accuracy,
        };
        if score.is_nan() {
            f64::NEG_INFINITY
        } else {
            score
        }
    }
}

/// The stop rule of textbooks: training ends when a step's update Δθ of the weights θ is very small,
/// ‖Δθ‖ ≤ tolerance·(‖θ‖ + ε), ε = 10⁻⁸, in several checks in a row. Norms are computed on the device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StopRule {
    tolerance: f64,
    every: u64,
    checks: u32,
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

    /// Checks one update in this many: those whose number, from 1, is a multiple. (With accumulation an update is several
    /// steps.)
    pub fn every(mut self, steps: u64) -> Self {
        self.every = steps;
        self
    }

    /// How many checks in a row must hold.
    pub fn checks(mut self, checks: u32) -> Self {
        self.checks = checks;
        self
    }

    fn check(&self) -> Result<()> {
        check_not_negative("the tolerance of the stop rule", self.tolerance)?;
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
    fn holds(&self, inspection: &Inspection) -> bool {
        const EPSILON: f64 = 1e-8;
        inspection.update_norm() <= self.tolerance * (inspection.weight_norm() + EPSILON)
    }
}

/// Why a fit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// All epochs were done.
    Epochs,
    /// The validation score no longer got better.
    EarlyStopping,
    /// The weights no longer changed much.
    StopRule,
}

/// What [`Trainer::fit_until`] gives.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct History {
    /// The epochs; the last may be cut short by the stop rule.
    pub epochs: Vec<EpochReport>,
    /// The evaluation after each epoch, if there was a validation set.
    pub evaluations: Vec<Evaluation>,
    /// With early stopping, which of them was the best: the weights are of then.
    pub best: Option<usize>,
    /// Why it ended.
    pub stopped: Stopped,
}

impl Trainer {
    /// Runs epochs until they are done or a rule ends them. With early stopping the network then has the best weights, after
    /// an error too; moments and step count stay the last epoch's. The rules remember nothing from call to call.
    ///
    /// # Errors
    /// As [`Trainer::epoch_async`]; and [`Argument`](Error::Argument) if a number of a rule is out of range, or early
    /// stopping has no validation set.
    pub async fn fit_until_async(&mut self, data: &Dataset, fit: Fit<'_>) -> Result<History> {
        fit.check()?;
        let mut history = History {
            epochs: Vec::new(),
            evaluations: Vec::new(),
            best: None,
            stopped: Stopped::Epochs,
        };
        let mut best = None;
        let outcome = self.fit_epochs(data, &fit, &mut history, &mut best).await;
        let restored = match best {
            Some((_, entries)) => self.network.set_entries("the best weights", entries),
            None => Ok(()),
        };
        // What ended the epochs comes before what it may have led to.
        outcome.and(restored).map(|()| history)
    }

    /// Runs the epochs, and leaves what came of them in `history` and `best`, an error included.
    async fn fit_epochs(
        &mut self,
        data: &Dataset,
        fit: &Fit<'_>,
        history: &mut History,
        best: &mut Option<(f64, Vec<Entry>)>,
    ) -> Result<()> {
        let mut held = 0;
        for epoch in 0..fit.epochs as usize {
            history.epochs.push(match fit.stop_rule {
                None => self.epoch_async(data, |_| {}).await?,
                Some(rule) => self.checked_epoch(data, rule, &mut held).await?,
            });
            if let Some(validation) = fit.validation {
                history
                    .evaluations
                    .push(self.evaluate_async(validation).await?);
            }
            if let (Some(rule), Some(evaluation)) = (fit.early_stopping, history.evaluations.last())
            {
                if rule.metric == Metric::Accuracy && evaluation.accuracy.is_nan() {
                    let expected = "of a loss that takes labels";
                    return Err(Error::argument(
                        "early stopping by accuracy",
                        expected,
                        "no accuracy",
                    ));
                }
                let score = rule.score(evaluation);
                let last_best = best.as_ref().map(|(score, _)| *score);
                if last_best.is_none_or(|last| score > last + rule.min_delta) {
                    *best = Some((score, self.network.entries().await?));
                    history.best = Some(epoch);
                }
                let waited = epoch - history.best.unwrap_or(0);
                if waited >= rule.patience as usize {
                    history.stopped = Stopped::EarlyStopping;
                    break;
                }
            }
            if fit.stop_rule.is_some_and(|rule| held >= rule.checks) {
                history.stopped = Stopped::StopRule;
                break;
            }
        }
        Ok(())
    }

    /// [`Trainer::fit_until_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn fit_until(&mut self, data: &Dataset, fit: Fit<'_>) -> Result<History> {
        pollster::block_on(self.fit_until_async(data, fit))
    }

    /// An epoch, or what of it comes before the stop rule has held often enough. `held` counts the checks in a row.
    async fn checked_epoch(
        &mut self,
        data: &Dataset,
        rule: StopRule,
        held: &mut u32,
    ) -> Result<EpochReport> {
        let mut part = self.begin_part();
        let epoch = self.epoch;
        while self.epoch == epoch && *held < rule.checks {
            let every = rule.every.saturating_mul(self.settings.accumulate as u64);
            let until_check = every - 1 - self.step % every;
            if until_check > 0 {
                self.run_part(data, until_check, &mut part).await?;
                continue;
            }
            let inspection = self.inspect_part(data, &mut part).await?;
            *held = if rule.holds(&inspection) {
                *held + 1
            } else {
                0
            };
        }
        Ok(self.end_part(&part))
    }
}
