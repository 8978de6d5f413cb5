//! Memory of a fit's rules in checkpoints.

use super::Trainer;
use super::rule_memory::{Best, Memory, Stopping};
use super::rules::{EarlyStopping, Metric, StopRule};
use crate::error::clip;
use crate::graph::names::EARLY_STOPPING;
use crate::nn::{Entry, Header, Tensor, Wanted, matching_by_name};
use crate::{Error, Result};

impl Trainer {
    /// The memory of the rules, as metadata and tensors of a checkpoint. For early stopping, the tensors are the best
    /// weights; if the network has these, they are the last weights, from which the next call continues.
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
        // A rule that will start afresh need not be saved.
        let void = ended.is_some_and(|(step, _)| {
            *step != self.cursor.step || best.map(|best| &best.entries) != Some(&current)
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

    /// Reads the memory of the rules from a checkpoint.
    pub(super) fn read_memory(&self, file: &str, header: &Header, bytes: &[u8]) -> Result<Memory> {
        let mut memory = Memory::default();
        let broken = |key: &str, text: &str| {
            let text = clip(text);
            Error::format(
                file,
                format!("{key} is {text:?}, which is not valid in a checkpoint"),
            )
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
                    // The step is set when the checkpoint is accepted: it is the file's.
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
}

/// Metadata keys of a checkpoint.
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
