//! Gradient accumulation: where a trainer is within an update, and what its micro-batches weigh.
//!
//! A mean is divided by a weight: the rows of the batch, or the sum of their labels' weights. The gradient of an update is
//! that of one large batch, so each term of the loss is divided by the weight of all the update's samples. On a data set the
//! host knows that weight beforehand. Batches of the user's own come one by one: each is divided by the weight so far, and
//! of the sum of gradients before it is kept the old weight over the new one.

use super::Trainer;
use super::phase::Turn;
use crate::data::{Dataset, Targets};
use crate::graph::Supervision;
use crate::kernel::Scales;
use crate::kernel::loss::Against;
use crate::plan::{Clock, Role};
use crate::{Error, Result};

/// Where accumulation stands between two micro-batches.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Group {
    /// Updates done.
    pub(super) updates: u64,
    /// Micro-batches since the last one.
    pub(super) micro: usize,
    /// For each term of the loss, the weight of these micro-batches.
    pub(super) seen: Vec<f64>,
    /// For each term, what the sum of their gradients is divided by.
    pub(super) divisor: Vec<f64>,
    /// The data set, and the epoch, of whose samples `divisor` is the weight of the whole update.
    pub(super) data: Option<(u64, u32)>,
}

/// What one micro-batch is multiplied by: the sum before it, and for each term its gradient.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StepScales {
    pub(super) keep: f32,
    pub(super) terms: Vec<f32>,
}

impl Group {
    /// Adds a micro-batch of these weights, one a term, as the last of its update or not. `whole` has the weights of all of
    /// the update, if they are known. `is_sum` tells the terms that are divided by nothing.
    pub(super) fn add(
        &mut self,
        weights: &[f64],
        whole: Option<&[f64]>,
        is_sum: impl Fn(usize) -> bool,
        updates: bool,
    ) -> Result<StepScales> {
        let first = self.micro == 0;
        let before = |sums: &[f64], term: usize| if first { 0.0 } else { sums[term] };
        let mut keep = None;
        let (mut seen, mut divisor, mut scales) = (Vec::new(), Vec::new(), Vec::new());
        for (term, &weight) in weights.iter().enumerate() {
            let so_far = before(&self.seen, term) + weight;
            let new = match whole {
                _ if is_sum(term) => 1.0,
                Some(whole) => whole[term],
                None => so_far,
            };
            // A term whose rows all weighed nothing has no gradient yet: any part of it may be kept.
            if before(&self.seen, term) > 0.0 {
                let kept = self.divisor[term] / new;
                let other = *keep.get_or_insert(kept);
                if (kept - other).abs() > 1e-9 * other.abs() {
                    return Err(Error::argument(
                        "the weights of accumulated batches of your own",
                        "as large a part of the weights before for one term of the loss as for the others, \
                         which are divided by different numbers; or take the batches from a data set",
                        format!("{kept} and {other} of the old weight"),
                    ));
                }
            }
            seen.push(so_far);
            divisor.push(new);
            scales.push(if new > 0.0 { (1.0 / new) as f32 } else { 0.0 });
        }
        let scales = StepScales {
            keep: keep.unwrap_or(1.0) as f32,
            terms: scales,
        };
        if updates {
            *self = Group {
                updates: self.updates + 1,
                ..Group::default()
            };
        } else {
            (self.seen, self.divisor) = (seen, divisor);
            self.micro += 1;
        }
        Ok(scales)
    }

    /// Adds the weights of the micro-batches before to those of the rest of the update. A sum that is the divisor but for
    /// its rounding, as after a checkpoint, is the divisor.
    fn add_seen(&self, rest: &mut [f64]) {
        for (term, rest) in rest.iter_mut().enumerate() {
            let (whole, divisor) = (self.seen[term] + *rest, self.divisor[term]);
            let same = (whole - divisor).abs() <= 1e-12 * divisor;
            *rest = if same { divisor } else { whole };
        }
    }

    /// As a checkpoint holds it: Rust writes floats so that they are read back to the bit.
    pub(super) fn write(&self) -> String {
        let numbers = |values: &[f64]| {
            let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
            values.join(" ")
        };
        let (seen, divisor) = (numbers(&self.seen), numbers(&self.divisor));
        format!("{}; {}; {seen}; {divisor}", self.updates, self.micro)
    }

    /// Reads it for so many terms and micro-batches of an update.
    pub(super) fn read(text: &str, terms: usize, accumulate: usize) -> Option<Self> {
        let mut parts = text.split("; ");
        // Far from where counting on would overflow.
        let updates: u64 = parts.next()?.parse().ok()?;
        if updates > 1 << 62 {
            return None;
        }
        let micro: usize = parts.next()?.parse().ok()?;
        let mut numbers = || -> Option<Vec<f64>> {
            let words = parts.next()?.split(' ').filter(|word| !word.is_empty());
            words.map(|word| word.parse().ok()).collect()
        };
        let (seen, divisor) = (numbers()?, numbers()?);
        let wanted = if micro == 0 { 0 } else { terms };
        let valid = |values: &[f64]| {
            values.len() == wanted && values.iter().all(|v| v.is_finite() && *v >= 0.0)
        };
        let fits = micro < accumulate && valid(&seen) && valid(&divisor);
        (fits && parts.next().is_none()).then_some(Group {
            updates,
            micro,
            seen,
            divisor,
            data: None,
        })
    }
}

impl Trainer {
    /// What a step does: the next one, or a later one of the call under way.
    pub(super) fn turn(&self, step: u64) -> Turn {
        let (accumulate, phases) = (self.settings.accumulate as u64, self.phases.len() as u64);
        if accumulate == 1 {
            return Turn {
                phase: (step % phases) as usize,
                update: step / phases,
                opens: true,
                updates: true,
            };
        }
        // Accumulating steps have one phase. An update ends with the epoch at the latest.
        let ahead = step.saturating_sub(self.step);
        let to_end = match self.course.saturating_sub(self.position) {
            0 => u64::MAX,
            batches => batches as u64,
        };
        let left = (accumulate - self.group.micro as u64).min(to_end);
        let (update, micro) = if ahead < left {
            let micro = self.group.micro as u64 + ahead;
            (self.group.updates, micro)
        } else {
            let later = ahead - left;
            let update = self.group.updates + 1 + later / accumulate;
            (update, later % accumulate)
        };
        Turn {
            phase: 0,
            update,
            opens: micro == 0,
            updates: micro + 1 == accumulate || ahead + 1 == to_end,
        }
    }

    /// Micro-batches whose gradients wait for others: with [`accumulate`](crate::TrainerBuilder::accumulate), those since
    /// the last update. On a data set the last batch of an epoch makes an update with those before it, so none wait
    /// there; batches of your own ([`Trainer::step`]) wait until they are enough, and checkpoints hold their gradients.
    pub fn pending_batches(&self) -> usize {
        self.group.micro
    }

    /// Whether any update is done.
    pub(super) fn has_updated(&self) -> bool {
        if self.settings.accumulate == 1 {
            self.step > 0
        } else {
            self.group.updates > 0
        }
    }

    /// What a micro-batch weighs for each term of the loss.
    fn weights(
        &self,
        supervision: Supervision,
        rows: std::ops::Range<usize>,
        label: impl Fn(usize) -> u32,
    ) -> Vec<f64> {
        let weight = |term: &crate::graph::Term| {
            let by_label = term.takes_labels(supervision) && term.loss.divides(Against::Labels);
            if by_label {
                let labels = rows.clone().map(|row| Some(label(row)));
                labels.map(|label| term.loss.row_weight(label)).sum()
            } else {
                rows.len() as f64
            }
        };
        self.network.terms.iter().map(weight).collect()
    }

    /// Tells the device what the gradients of these steps on a data set, from the next one on, are multiplied by.
    pub(super) fn scale_steps(
        &mut self,
        data: &Dataset,
        supervision: Supervision,
        steps: usize,
    ) -> Result<()> {
        if self.settings.accumulate == 1 {
            return Ok(());
        }
        let order = &self.training;
        let weights = |batches: std::ops::Range<usize>| {
            let end = self.first_sample(batches.end).min(data.len());
            let rows = self.first_sample(batches.start)..end;
            self.weights(supervision, rows, |row| order.label(data, row))
        };
        let of_epoch = Some((data.id(), self.epoch));
        let mut group = self.group.clone();
        let (mut groups, mut scales) = (Vec::new(), Vec::new());
        for ahead in 0..steps {
            let position = self.position + ahead;
            let turn = self.turn(self.step + ahead as u64);
            let whole = if group.micro > 0 && group.data == of_epoch {
                group.divisor.clone()
            } else {
                let left = self.settings.accumulate - group.micro;
                let mut whole = weights(position..(position + left).min(self.course));
                if group.micro > 0 {
                    group.add_seen(&mut whole);
                }
                whole
            };
            groups.push((self.step + ahead as u64, group.clone()));
            let weights = weights(position..position + 1);
            scales.push(self.add_to(&mut group, &weights, Some(&whole), turn)?);
            group.data = of_epoch.filter(|_| !turn.updates);
        }
        self.write_scales(groups, group, &scales)
    }

    /// The same of one step on a batch of the user's.
    pub(super) fn scale_step(
        &mut self,
        targets: Targets<'_>,
        supervision: Supervision,
        rows: usize,
    ) -> Result<()> {
        if self.settings.accumulate == 1 {
            return Ok(());
        }
        let labels = targets.labels.unwrap_or(&[]);
        let weights = self.weights(supervision, 0..rows, |row| labels[row]);
        let mut group = self.group.clone();
        let scales = self.add_to(&mut group, &weights, None, self.turn(self.step))?;
        group.data = None;
        self.write_scales(vec![(self.step, self.group.clone())], group, &[scales])
    }

    fn add_to(
        &self,
        group: &mut Group,
        weights: &[f64],
        whole: Option<&[f64]>,
        turn: Turn,
    ) -> Result<StepScales> {
        let is_sum = |term: usize| self.network.terms[term].loss.is_sum();
        group.add(weights, whole, is_sum, turn.updates)
    }

    /// Writes the scales of the next steps, and remembers where accumulation stands before each and after the last.
    fn write_scales(
        &mut self,
        before: Vec<(u64, Group)>,
        after: Group,
        steps: &[StepScales],
    ) -> Result<()> {
        let scales = Scales {
            steps: self.table_steps,
            terms: self.network.terms.len(),
        };
        for ((step, _), StepScales { keep, terms }) in before.iter().zip(steps) {
            let words = std::iter::once(keep)
                .chain(terms)
                .map(|scale| scale.to_bits());
            let words: Vec<u32> = words.collect();
            let place = scales.place(*step as u32);
            let state = Role::State(Clock::Training);
            self.network.executor.write(state, place, &words)?;
        }
        self.groups.extend(before);
        self.next_group = after;
        Ok(())
    }

    /// Where accumulation stands after so many steps in checkpoints that do not say: every update had as many micro-batches,
    /// and the sum of their gradients, each a mean over its own rows, was divided by the number of micro-batches.
    pub(super) fn group_of_means(&self, step: u64, accumulate: usize) -> Group {
        let micro = (step % accumulate as u64) as usize;
        let batch = self.settings.batch_size as f64;
        let mut group = Group {
            updates: step / accumulate as u64,
            micro,
            ..Group::default()
        };
        if micro > 0 {
            for term in &self.network.terms {
                let rows = if term.loss.is_sum() { 1.0 } else { batch };
                group.seen.push(micro as f64 * batch);
                group.divisor.push(accumulate as f64 * rows);
            }
        }
        group
    }

    /// Goes back to where accumulation stood before a step, if later ones were submitted.
    pub(super) fn go_back_to(&mut self, step: u64) {
        if let Some((_, group)) = self.groups.iter().find(|(at, _)| *at == step) {
            self.group = group.clone();
        }
        self.groups.clear();
    }
}
