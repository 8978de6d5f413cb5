//! What the rules of a fit remember from epoch to epoch, from call to call, and over checkpoints.

use super::fit::{Fit, Stopped};
use super::rules::{EarlyStopping, Metric, PlateauMetric, StopRule};
use super::{Evaluation, Trainer};
use crate::error::clip;
use crate::graph::names::EARLY_STOPPING;
use crate::nn::{Entry, Header, Tensor, Wanted, matching_by_name};
use crate::{Error, Result};

/// The memory of a fit's rules.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) stopping: Option<Stopping>,
    /// The stop rule that `held` is of.
    pub(super) stop_rule: Option<StopRule>,
    /// Its checks in a row that held.
    pub(super) held: u32,
    /// The check under way: its step was submitted, and its result is not counted yet.
    pub(super) check: Option<Check>,
}

/// The inspected step of a stop rule's check. Its measures stay on the device until the next inspected step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    /// The step's number.
    pub(super) step: u64,
    pub(super) phase: usize,
    /// Samples of its batch.
    pub(super) rows: usize,
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
    /// Counts the stop rule's check under way, if its step was done. A step that was not done runs again, and its check with
    /// it.
    pub(super) async fn count_check(&mut self) -> Result<()> {
        let Some(Check { step, phase, rows }) = self.memory.check else {
            return Ok(());
        };
        if self.step > step {
            let inspection = self.read_measures(phase, rows).await?;
            let holds = |rule: StopRule| rule.holds(&inspection);
            self.memory.held = match self.memory.stop_rule.is_some_and(holds) {
                true => self.memory.held.saturating_add(1),
                false => 0,
            };
        }
        // Nothing waits between the count and this, so each check counts once.
        self.memory.check = None;
        self.network.executor.pin(None);
        Ok(())
    }

    /// Whether the checks of a stop rule have held often enough.
    pub(super) fn has_held(&self, rule: Option<StopRule>) -> bool {
        rule.is_some_and(|rule| self.memory.held >= rule.checks)
    }

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
        // Read before anything is taken from the memory: the future may be dropped here.
        let current = match &self.memory.stopping {
            Some(Stopping { ended: Some(_), .. }) => self.network.entries().await?,
            _ => Vec::new(),
        };
        let known = self.memory.stopping.take();
        let mut known = known.filter(|stopping| stopping.rule == rule);
        if let Some(stopping) = &mut known {
            if let Some((step, last)) = stopping.ended.take() {
                let best = stopping.best.as_ref().map(|best| &best.entries);
                if step == self.step && best == Some(&current) {
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
        if outcome.is_ok() && stopped != Stopped::Epochs {
            self.memory.held = 0;
        }
        let scored = |stopping: &Stopping| stopping.best.is_some();
        let scored = self.memory.stopping.as_ref().is_some_and(scored);
        // Read before anything is taken from the memory: the future may be dropped here.
        let last = match scored && goes_on && self.settle().await.is_ok() {
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
        stopping.ended = last.map(|last| (self.step, last));
        self.memory.stopping = stopping.ended.is_some().then_some(stopping);
        Ok(())
    }

    /// What the rules remember, as metadata and tensors of a checkpoint: of early stopping the best weights; or, where the
    /// network has these, those that the next call would go on from.
    pub(super) async fn written_memory(&mut self) -> Result<(Vec<(String, String)>, Vec<Entry>)> {
        let (mut metadata, mut kept) = (Vec::new(), Vec::new());
        if let Some(rule) = self.memory.stop_rule {
            let StopRule {
                tolerance,
                every,
                checks,
            } = rule;
            let text = format!("{tolerance:?} {every} {checks} {}", self.memory.held);
            metadata.push((STOP_RULE.to_string(), text));
        }
        let current = match &self.memory.stopping {
            Some(Stopping { ended: Some(_), .. }) => self.network.entries().await?,
            _ => Vec::new(),
        };
        let Some(stopping) = &self.memory.stopping else {
            return Ok((metadata, kept));
        };
        let best = stopping.best.as_ref();
        let ended = stopping.ended.as_ref();
        // What will begin anew need not be kept.
        let void = ended.is_some_and(|(step, _)| {
            *step != self.step || best.map(|best| &best.entries) != Some(&current)
        });
        if void {
            return Ok((metadata, kept));
        }
        let EarlyStopping {
            patience,
            metric,
            min_delta,
        } = stopping.rule;
        let metric = match metric {
            Metric::Loss => "loss",
            Metric::Accuracy => "accuracy",
        };
        let state = match (best, ended) {
            (None, _) => "unscored",
            (Some(_), None) => "under_way",
            (Some(_), Some(_)) => "ended",
        };
        let (score, epoch) = best.map_or((0.0, 0), |best| (best.score, best.epoch));
        let waited = stopping.waited;
        let text = format!("{patience} {metric} {min_delta:?} {waited} {state} {score:?} {epoch}");
        metadata.push((STOPPING.to_string(), text));
        let entries = match (best, ended) {
            (_, Some((_, last))) => &last[..],
            (Some(best), None) => &best.entries,
            (None, None) => &[],
        };
        kept.extend(entries.iter().map(|entry| Entry {
            name: format!("{EARLY_STOPPING}.{}", entry.name),
            ..entry.clone()
        }));
        Ok((metadata, kept))
    }

    /// What the rules remembered when a checkpoint was written.
    pub(super) fn read_memory(&self, file: &str, header: &Header, bytes: &[u8]) -> Result<Memory> {
        let mut memory = Memory::default();
        let broken = |key: &str, text: &str| {
            let text = clip(text);
            Error::format(file, format!("{key} is {text:?}, which no trainer wrote"))
        };
        if let Some(text) = header.metadata.get(STOP_RULE) {
            let (rule, held) = read_stop_rule(text).ok_or_else(|| broken(STOP_RULE, text))?;
            (memory.stop_rule, memory.held) = (Some(rule), held);
        }
        let Some(text) = header.metadata.get(STOPPING) else {
            return Ok(memory);
        };
        let read = read_stopping(text).ok_or_else(|| broken(STOPPING, text))?;
        let (rule, waited, state, score, epoch) = read;
        let mut stopping = Stopping {
            rule,
            waited,
            best: None,
            ended: None,
        };
        if state != "unscored" {
            let own = self.network.wanted();
            let wanted: Vec<Wanted> = own
                .iter()
                .map(|own| Wanted {
                    name: format!("{EARLY_STOPPING}.{}", own.name),
                    shape: own.shape.clone(),
                })
                .collect();
            let read = |wanted: &[Wanted]| -> Result<Vec<Entry>> {
                let found = matching_by_name(file, header, wanted)?;
                let entry = |(own, tensor): (&Wanted, &Tensor)| {
                    let values = if self.network.is_variance(&own.name) {
                        tensor.values_not_negative(file, bytes)?
                    } else {
                        tensor.values(file, bytes)?
                    };
                    Ok(Entry {
                        name: own.name.clone(),
                        shape: own.shape.clone(),
                        values,
                    })
                };
                own.iter().zip(found).map(entry).collect()
            };
            let kept = read(&wanted)?;
            let entries = match state {
                "ended" => {
                    // The step is set when the checkpoint is taken: it is the file's.
                    stopping.ended = Some((u64::MAX, kept));
                    read(&own)?
                }
                _ => kept,
            };
            stopping.best = Some(Best {
                score,
                epoch,
                entries,
            });
        }
        memory.stopping = Some(stopping);
        Ok(memory)
    }

    /// Whether the last fit was stopped between the last step of an epoch and what comes after it.
    pub(super) fn owes_end(&self) -> bool {
        let ended = self.owed.and_then(|epoch| epoch.checked_add(1));
        ended == Some(self.epoch) && self.position == 0
    }

    /// Ends an epoch of a fit: the plateau observes it.
    pub(super) fn end_fit_epoch(
        &mut self,
        metric: Option<PlateauMetric>,
        evaluation: Option<&Evaluation>,
    ) -> Result<()> {
        self.owed = None;
        self.observe_epoch(metric, evaluation)
    }

    /// Tells the plateau, if there is one, the metric of an epoch that is done.
    fn observe_epoch(
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

/// Keys of a checkpoint's metadata.
const STOP_RULE: &str = "wgrad.stop_rule";
const STOPPING: &str = "wgrad.early_stopping";

fn read_stop_rule(text: &str) -> Option<(StopRule, u32)> {
    let mut words = text.split(' ');
    let rule = StopRule {
        tolerance: words.next()?.parse().ok()?,
        every: words.next()?.parse().ok()?,
        checks: words.next()?.parse().ok()?,
    };
    let held = words.next()?.parse().ok()?;
    let valid = rule.check().is_ok() && words.next().is_none();
    valid.then_some((rule, held))
}

/// The rule, the epochs since the best, how far the fit was, the best score and its epoch.
fn read_stopping(text: &str) -> Option<(EarlyStopping, u32, &str, f64, u32)> {
    let mut words = text.split(' ');
    let rule = EarlyStopping {
        patience: words.next()?.parse().ok()?,
        metric: match words.next()? {
            "loss" => Metric::Loss,
            "accuracy" => Metric::Accuracy,
            _ => return None,
        },
        min_delta: words.next()?.parse().ok()?,
    };
    let waited: u32 = words.next()?.parse().ok()?;
    let state = words.next()?;
    let score: f64 = words.next()?.parse().ok()?;
    let epoch = words.next()?.parse().ok()?;
    let valid = rule.check().is_ok()
        && ["unscored", "under_way", "ended"].contains(&state)
        && !score.is_nan()
        && words.next().is_none();
    valid.then_some((rule, waited, state, score, epoch))
}
