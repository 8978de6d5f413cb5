//! Fits: several epochs, with rules that may end them early.

use super::rules::{EarlyStopping, PlateauMetric, StopRule};
use super::{EpochReport, Evaluation, Trainer};
use crate::data::Dataset;
use crate::{Error, Result};
#[cfg(not(target_arch = "wasm32"))]
use std::path::PathBuf;

/// Settings of [`Trainer::fit_until`]: the number of epochs, and the rules that may end them early.
///
/// ```
/// use wgrad::{Adam, Dataset, Device, EarlyStopping, Fit, Sequential, Trainer};
/// # fn main() -> wgrad::Result<()> {
/// let xor = Dataset::from_floats(2, vec![0., 0., 0., 1., 1., 0., 1., 1.], vec![0, 1, 1, 0], 2)?;
/// let network = Sequential::new(2).dense(8).tanh().dense(2).build(&Device::cpu(), 1)?;
/// let mut trainer = Trainer::builder(network).optimizer(Adam::new(0.05)).build()?;
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
    pub(super) early_stopping: Option<EarlyStopping>,
    pub(super) stop_rule: Option<StopRule>,
    plateau_metric: Option<PlateauMetric>,
    #[cfg(not(target_arch = "wasm32"))]
    checkpoint: Option<PathBuf>,
}

impl<'a> Fit<'a> {
    /// Runs this many epochs, unless a rule ends them early.
    pub fn epochs(epochs: u32) -> Self {
        Fit {
            epochs,
            validation: None,
            early_stopping: None,
            stop_rule: None,
            plateau_metric: None,
            #[cfg(not(target_arch = "wasm32"))]
            checkpoint: None,
        }
    }

    /// Evaluates on this data set after every epoch.
    pub fn validation(mut self, data: &'a Dataset) -> Self {
        self.validation = Some(data);
        self
    }

    /// Stops when the validation score stops improving, and keeps the best weights.
    pub fn early_stopping(mut self, rule: EarlyStopping) -> Self {
        self.early_stopping = Some(rule);
        self
    }

    /// Stops when updates become small relative to the weights.
    pub fn stop_rule(mut self, rule: StopRule) -> Self {
        self.stop_rule = Some(rule);
        self
    }

    /// The metric that the trainer's [plateau](crate::TrainerBuilder::reduce_on_plateau) observes after every epoch.
    /// The default is the loss, or the accuracy if [higher is better](crate::Better::Higher): of the validation set if
    /// there is one, otherwise of the epoch's training steps.
    pub fn plateau_metric(mut self, metric: PlateauMetric) -> Self {
        self.plateau_metric = Some(metric);
        self
    }

    /// Saves the trainer to this file after every epoch, and once more when the fit has ended without an error. A
    /// trainer that loads the file and runs the remaining epochs reaches the same weights as an uninterrupted fit,
    /// early stopping included.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn checkpoint(mut self, path: impl Into<PathBuf>) -> Self {
        self.checkpoint = Some(path.into());
        self
    }

    fn check(&self, trainer: &Trainer) -> Result<()> {
        if self.early_stopping.is_some() && self.validation.is_none() {
            return Err(Error::argument(
                "early stopping",
                "used with a validation set (`Fit::validation`)",
                "no validation set",
            ));
        }
        self.early_stopping.map_or(Ok(()), |rule| rule.check())?;
        self.stop_rule.map_or(Ok(()), |rule| rule.check())?;
        match (self.plateau_metric, trainer.settings.plateau) {
            (Some(_), None) => Err(Error::argument(
                "the metric of a plateau",
                "set on a trainer built with `reduce_on_plateau`",
                "a trainer without a plateau",
            )),
            (Some(metric), Some(plateau)) => {
                metric.check(plateau.direction(), self.validation.is_some())
            }
            (None, _) => Ok(()),
        }
    }
}

/// Reason why a fit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// All epochs ran.
    Epochs,
    /// The validation score stopped improving.
    EarlyStopping,
    /// Updates became small relative to the weights.
    StopRule,
}

/// Result of [`Trainer::fit_until`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct History {
    /// Reports of the epochs. The stop rule may end the last one early.
    pub epochs: Vec<EpochReport>,
    /// The evaluation after each epoch, if there was a validation set.
    pub evaluations: Vec<Evaluation>,
    /// Index of the best evaluation in `evaluations`, with early stopping. The network has the weights of that epoch.
    /// `None` if the best epoch was in an earlier call.
    pub best: Option<usize>,
    /// Number of the best epoch, as in [`EpochReport::epoch`], even if it was in an earlier call.
    pub best_epoch: Option<u32>,
    /// Reason for the end.
    pub stopped: Stopped,
}

impl Trainer {
    /// Runs epochs until all are done or a rule ends them. With early stopping, the network has the best weights
    /// afterwards, even after an error. Moments and step count are those of the last epoch.
    ///
    /// A fit may be split into several calls, with a checkpoint saved and loaded between them. If the previous call ran
    /// all its epochs or was interrupted, a call with equal rules continues from its last weights, best score and
    /// counts. The rules start afresh if the trainer has taken other steps since, if the weights were replaced, or if a
    /// rule had ended training.
    ///
    /// # Errors
    /// Those of [`Trainer::epoch_async`]; and [`Argument`](Error::Argument) if a number of a rule is out of range,
    /// early stopping has no validation set, or the plateau's metric is not available.
    pub async fn fit_until_async(&mut self, data: &Dataset, fit: Fit<'_>) -> Result<History> {
        fit.check(self)?;
        self.go_on_with_rules(&fit).await?;
        let mut history = History {
            epochs: Vec::new(),
            evaluations: Vec::new(),
            best: None,
            best_epoch: None,
            stopped: Stopped::Epochs,
        };
        let mark = self.network.executor.mark();
        let outcome = self.fit_epochs(data, &fit, &mut history).await;
        let outcome = self.network.executor.undo_if_refused(mark, outcome);
        history.best_epoch = self.memory.best_epoch();
        let ended = self.put_best_weights(&outcome, history.stopped).await;
        // The error that ended the epochs takes precedence over an error in ending the fit.
        outcome.and(ended)?;
        self.save_fit(&fit).await?;
        Ok(history)
    }

    /// Runs the epochs. `history` has the results of those that ran, even if it returns an error.
    async fn fit_epochs(
        &mut self,
        data: &Dataset,
        fit: &Fit<'_>,
        history: &mut History,
    ) -> Result<()> {
        // An earlier call may have stopped before the end of an epoch: of a full one, or of one that the stop rule
        // ended.
        let ended = match self.owes_end() {
            true => Some(self.cursor.epoch - 1),
            false => (self.cursor.position > 0 && self.has_held(fit.stop_rule))
                .then_some(self.cursor.epoch),
        };
        if let Some(epoch) = ended
            && self.end_epoch_of(fit, epoch).await?.2
        {
            history.stopped = Stopped::EarlyStopping;
            return Ok(());
        }
        if self.has_held(fit.stop_rule) {
            history.stopped = Stopped::StopRule;
            return Ok(());
        }
        for number in 0..fit.epochs as usize {
            if number > 0 {
                self.save_fit(fit).await?;
            }
            let epoch = self.cursor.epoch;
            self.record.owed = Some(epoch);
            let report = match fit.stop_rule {
                None => self.epoch_async(data, |_| {}).await?,
                Some(rule) => self.checked_epoch(data, rule).await?,
            };
            history.epochs.push(report);
            let (evaluation, best, stops) = self.end_epoch_of(fit, epoch).await?;
            history.evaluations.extend(evaluation);
            if best {
                history.best = Some(number);
            }
            if stops {
                history.stopped = Stopped::EarlyStopping;
                break;
            }
            if self.has_held(fit.stop_rule) {
                history.stopped = Stopped::StopRule;
                break;
            }
        }
        Ok(())
    }

    /// Ends an epoch of a fit: the evaluation, the decision of early stopping (whether this epoch is the best so far,
    /// and whether it ends the fit), and the observation of the plateau. If the future is dropped, none of it is
    /// remembered.
    async fn end_epoch_of(
        &mut self,
        fit: &Fit<'_>,
        epoch: u32,
    ) -> Result<(Option<Evaluation>, bool, bool)> {
        let evaluation = match fit.validation {
            Some(validation) => Some(self.evaluate_async(validation).await?),
            None => None,
        };
        let (mut best, mut stops) = (false, false);
        if let (Some(rule), Some(evaluation)) = (fit.early_stopping, &evaluation) {
            best = self.weigh(rule, epoch, evaluation).await?;
            stops = self.memory.waited() >= rule.patience;
        }
        self.end_fit_epoch(fit.plateau_metric, evaluation.as_ref())?;
        Ok((evaluation, best, stops))
    }

    /// Blocking form of [`Trainer::fit_until_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn fit_until(&mut self, data: &Dataset, fit: Fit<'_>) -> Result<History> {
        pollster::block_on(self.fit_until_async(data, fit))
    }

    /// Number of steps before the next checked update, if one update in `every` is checked. It exceeds the epoch if no
    /// update of the epoch is checked.
    fn steps_until_check(&mut self, data: &Dataset, every: u64) -> u64 {
        if self.settings.accumulate == 1 {
            return every - 1 - self.cursor.step % every;
        }
        self.cursor.course = self.batches_under_way(data.len());
        let left = self.cursor.course.saturating_sub(self.cursor.position) as u64;
        let is_checked = |ahead: &u64| {
            let turn = self.turn(self.cursor.step + ahead);
            turn.updates && (turn.update + 1).is_multiple_of(every)
        };
        (0..left).find(is_checked).unwrap_or(left)
    }

    /// Runs an epoch, or the part of it until the stop rule has held often enough.
    async fn checked_epoch(&mut self, data: &Dataset, rule: StopRule) -> Result<EpochReport> {
        let mut part = self.begin_part();
        let epoch = self.cursor.epoch;
        while self.cursor.epoch == epoch && !self.has_held(Some(rule)) {
            match self.steps_until_check(data, rule.every) {
                0 => self.check_part(data, &mut part).await?,
                steps => self.run_part(data, steps, &mut part).await?,
            }
        }
        Ok(self.end_part(&part))
    }

    /// Saves to the file of a fit, if it has one.
    async fn save_fit(&mut self, fit: &Fit<'_>) -> Result<()> {
        #[cfg(not(target_arch = "wasm32"))]
        if let Some(path) = &fit.checkpoint {
            let bytes = self.to_bytes_async().await?;
            crate::file::write_file(path, &bytes)?;
        }
        #[cfg(target_arch = "wasm32")]
        let _ = fit;
        Ok(())
    }
}
