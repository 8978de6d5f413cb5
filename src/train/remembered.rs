//! What the rules of a fit remember from epoch to epoch, from call to call, and over checkpoints.

use super::fit::{Fit, Stopped};
use super::rules::{EarlyStopping, PlateauMetric, StopRule};
use super::{Evaluation, Trainer};
use crate::nn::Entry;
use crate::{Error, Result};

/// The memory of a fit's rules.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) stopping: Option<Stopping>,
    /// The stop rule that `held` is of.
    pub(super) stop_rule: Option<StopRule>,
    /// Its checks in a row that held.
    pub(super) held: u32,
}

/// What early stopping remembers.
#[derive(Debug)]
pub(super) struct Stopping {
    pub(super) rule: EarlyStopping,
    /// Epochs since the best.
    pub(super) waited: u32,
    pub(super) best: Option<Best>,
    /// Where a call has ended: the step, and the weights that it would have gone on from, since the network has the best.
    pub(super) ended: Option<(u64, Vec<Entry>)>,
}

/// The best epoch so far.
#[derive(Debug)]
pub(super) struct Best {
    pub(super) score: f64,
    pub(super) epoch: u32,
    /// Its weights and running statistics.
    pub(super) entries: Vec<Entry>,
}

impl Memory {
    pub(super) fn best_epoch(&self) -> Option<u32> {
        let best = self.stopping.as_ref()?.best.as_ref()?;
        Some(best.epoch)
    }

    /// Epochs since the best.
    pub(super) fn waited(&self) -> u32 {
        self.stopping.as_ref().map_or(0, |stopping| stopping.waited)
    }
}

impl Trainer {
    /// Takes up what the same rules have remembered, or lets them begin anew.
    pub(super) async fn go_on_with_rules(&mut self, fit: &Fit<'_>) -> Result<()> {
        self.settle().await?;
        if self.memory.stop_rule != fit.stop_rule {
            (self.memory.stop_rule, self.memory.held) = (fit.stop_rule, 0);
        }
        let Some(rule) = fit.early_stopping else {
            self.memory.stopping = None;
            return Ok(());
        };
        let known = self.memory.stopping.take();
        let mut known = known.filter(|stopping| stopping.rule == rule);
        if let Some(stopping) = &mut known {
            if let Some((step, last)) = stopping.ended.take() {
                let best = stopping.best.as_ref().map(|best| &best.entries);
                let untouched = step == self.step && best == Some(&self.network.entries().await?);
                if untouched {
                    self.network.set_entries("the last weights", last)?;
                } else {
                    known = None;
                }
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

    /// Takes the evaluation after an epoch into account. Tells whether it is the best so far.
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

    /// Ends a fit: gives the network the best weights, and keeps those that the next call would go on from, unless this was
    /// the end of it.
    pub(super) async fn put_best_weights(
        &mut self,
        outcome: &Result<()>,
        stopped: Stopped,
    ) -> Result<()> {
        let goes_on = match outcome {
            Ok(()) => stopped == Stopped::Epochs,
            // The same steps would come to the same error.
            Err(error) => !matches!(error, Error::NonFinite { .. }),
        };
        if stopped == Stopped::StopRule {
            self.memory.held = 0;
        }
        let Some(mut stopping) = self.memory.stopping.take() else {
            return Ok(());
        };
        let Some(best) = &stopping.best else {
            self.memory.stopping = goes_on.then_some(stopping);
            return Ok(());
        };
        let last = match goes_on && self.settle().await.is_ok() {
            true => self.network.entries().await.ok(),
            false => None,
        };
        self.network
            .set_entries("the best weights", best.entries.clone())?;
        stopping.ended = last.map(|last| (self.step, last));
        self.memory.stopping = stopping.ended.is_some().then_some(stopping);
        Ok(())
    }

    /// Tells the plateau, if there is one, the metric of an epoch that is done.
    pub(super) fn observe_epoch(
        &mut self,
        metric: Option<PlateauMetric>,
        evaluation: Option<&Evaluation>,
    ) -> Result<()> {
        let Some(plateau) = self.settings.plateau else {
            return Ok(());
        };
        // An epoch that the stop rule has cut short is not done.
        if self.position > 0 {
            return Ok(());
        }
        let usual = PlateauMetric::usual(plateau.direction(), evaluation.is_some());
        let nothing = f64::NAN;
        let value = match metric.unwrap_or(usual) {
            PlateauMetric::TrainingLoss => self.epoch_losses.loss(),
            PlateauMetric::TrainingAccuracy => self.epoch_losses.accuracy(),
            PlateauMetric::ValidationLoss => evaluation.map_or(nothing, |e| e.loss),
            PlateauMetric::ValidationAccuracy => evaluation.map_or(nothing, |e| e.accuracy),
            PlateauMetric::Nothing => return Ok(()),
        };
        if value.is_nan() {
            return Err(Error::argument(
                "the metric of a plateau",
                "a loss, or the accuracy of a loss that takes labels",
                "no accuracy",
            ));
        }
        self.observe(value).map(drop)
    }
}
