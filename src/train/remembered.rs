//! Rules of a fit at run time: their memory is restored, and updated after each epoch and check.

use super::fit::{Fit, Stopped};
use super::rule_memory::{Best, Check, Stopping};
use super::rules::{EarlyStopping, PlateauMetric, StopRule};
use super::{Evaluation, Trainer};
use crate::{Error, Result};

impl Trainer {
    /// Counts the pending check of the stop rule, if its step was completed. Otherwise the step runs again, with its
    /// check.
    pub(super) async fn count_check(&mut self) -> Result<()> {
        let Some(Check { step, phase, rows }) = self.memory.check else {
            return Ok(());
        };
        if self.cursor.step > step {
            let inspection = self.read_measures(phase, rows).await?;
            let holds = |rule: StopRule| rule.holds(&inspection);
            self.memory.held = match self.memory.stop_rule.is_some_and(holds) {
                true => self.memory.held.saturating_add(1),
                false => 0,
            };
        }
        // There is no await between the count and this, so each check counts once.
        self.memory.check = None;
        self.network.executor.pin(None);
        Ok(())
    }

    /// Whether the checks of a stop rule have held often enough.
    pub(super) fn has_held(&self, rule: Option<StopRule>) -> bool {
        rule.is_some_and(|rule| self.memory.held >= rule.checks)
    }

    /// Restores the memory of equal rules, or starts afresh.
    pub(super) async fn go_on_with_rules(&mut self, fit: &Fit<'_>) -> Result<()> {
        self.resync().await?;
        if self.memory.stop_rule != fit.stop_rule {
            (self.memory.stop_rule, self.memory.held) = (fit.stop_rule, 0);
        }
        let Some(rule) = fit.early_stopping else {
            self.memory.stopping = None;
            return Ok(());
        };
        // Read before the memory changes, since the future may be dropped here.
        let current = match &self.memory.stopping {
            Some(Stopping { ended: Some(_), .. }) => self.network.entries().await?,
            _ => Vec::new(),
        };
        let known = self.memory.stopping.take();
        let mut known = known.filter(|stopping| stopping.rule == rule);
        if let Some(stopping) = &mut known
            && let Some((step, last)) = stopping.ended.take()
        {
            let best = stopping.best.as_ref().map(|best| &best.entries);
            if step == self.cursor.step && best == Some(&current) {
                self.network.set_entries("the last weights", last)?;
            } else {
                known = None;
            }
        }
        self.memory.stopping = Some(known.unwrap_or(Stopping {
            rule,
            waited: 0,
            best: None,
            ended: None,
        }));
        Ok(())
    }

    /// Records the evaluation after an epoch. Returns whether it is the best so far.
    pub(super) async fn weigh(
        &mut self,
        rule: EarlyStopping,
        epoch: u32,
        evaluation: &Evaluation,
    ) -> Result<bool> {
        let score = rule.score(evaluation)?;
        let Some(stopping) = &mut self.memory.stopping else {
            return Ok(false);
        };
        let last = stopping.best.as_ref().map(|best| best.score);
        let better = !score.is_nan() && last.is_none_or(|last| score > last + rule.min_delta);
        if !better {
            stopping.waited = stopping.waited.saturating_add(1);
            return Ok(false);
        }
        let entries = self.network.entries().await?;
        if let Some(stopping) = &mut self.memory.stopping {
            stopping.waited = 0;
            stopping.best = Some(Best {
                score,
                epoch,
                entries,
            });
        }
        Ok(true)
    }

    /// Ends a fit: gives the network the best weights, and keeps the last ones for the next call, unless the fit is
    /// complete.
    pub(super) async fn put_best_weights(
        &mut self,
        outcome: &Result<()>,
        stopped: Stopped,
    ) -> Result<()> {
        let goes_on = match outcome {
            Ok(()) => stopped == Stopped::Epochs,
            // The same steps would lead to the same error.
            Err(error) => !matches!(error, Error::NonFinite { .. }),
        };
        if outcome.is_ok() && stopped != Stopped::Epochs {
            self.memory.held = 0;
        }
        let scored = |stopping: &Stopping| stopping.best.is_some();
        let scored = self.memory.stopping.as_ref().is_some_and(scored);
        // Read before the memory changes, since the future may be dropped here.
        let last = match scored && goes_on && self.resync().await.is_ok() {
            true => self.network.entries().await.ok(),
            false => None,
        };
        let Some(mut stopping) = self.memory.stopping.take() else {
            return Ok(());
        };
        let Some(best) = &stopping.best else {
            self.memory.stopping = goes_on.then_some(stopping);
            return Ok(());
        };
        self.network
            .set_entries("the best weights", best.entries.clone())?;
        stopping.ended = last.map(|last| (self.cursor.step, last));
        self.memory.stopping = stopping.ended.is_some().then_some(stopping);
        Ok(())
    }

    /// Whether the last fit was interrupted between the last step and the end of an epoch.
    pub(super) fn owes_end(&self) -> bool {
        let ended = self.record.owed.and_then(|epoch| epoch.checked_add(1));
        ended == Some(self.cursor.epoch) && self.cursor.position == 0
    }

    /// Ends an epoch of a fit: the plateau observes it.
    pub(super) fn end_fit_epoch(
        &mut self,
        metric: Option<PlateauMetric>,
        evaluation: Option<&Evaluation>,
    ) -> Result<()> {
        self.record.owed = None;
        self.observe_epoch(metric, evaluation)
    }

    /// Passes the metric of a completed epoch to the plateau, if there is one.
    fn observe_epoch(
        &mut self,
        metric: Option<PlateauMetric>,
        evaluation: Option<&Evaluation>,
    ) -> Result<()> {
        let Some(plateau) = self.settings.plateau else {
            return Ok(());
        };
        // An epoch that the stop rule ended early is not complete.
        if self.cursor.position > 0 {
            return Ok(());
        }
        let usual = PlateauMetric::usual(plateau.direction(), evaluation.is_some());
        let value = match metric.unwrap_or(usual) {
            PlateauMetric::TrainingLoss => Some(self.record.losses.loss()),
            PlateauMetric::TrainingAccuracy => self.record.losses.accuracy(),
            PlateauMetric::ValidationLoss => evaluation.map(|e| e.loss),
            PlateauMetric::ValidationAccuracy => evaluation.and_then(|e| e.accuracy),
            PlateauMetric::Manual => return Ok(()),
        };
        let value = value.ok_or_else(|| {
            Error::argument(
                "the metric of a plateau",
                "a loss, or the accuracy of a loss that takes labels",
                "no accuracy",
            )
        })?;
        self.observe(value).map(drop)
    }
}
