//! Gradient accumulation in the steps of a trainer: the phase of each step, and the scales of micro-batches.

use super::Trainer;
use super::group::{Group, StepScales};
use super::steps::Turn;
use crate::Result;
use crate::data::{Dataset, Targets};
use crate::graph::Supervision;
use crate::kernel::Scales;
use crate::kernel::loss::Against;
use crate::plan::{Clock, Role};

impl Trainer {
    /// Phase and place in the update of a step: the next one, or a later one of the current call.
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
        // With accumulation there is one phase. The end of an epoch ends an update.
        let ahead = step.saturating_sub(self.cursor.step);
        let to_end = match self.cursor.course.saturating_sub(self.cursor.position) {
            0 => u64::MAX,
            batches => batches as u64,
        };
        let left = (accumulate - self.accumulation.group.micro as u64).min(to_end);
        let (update, micro) = if ahead < left {
            let micro = self.accumulation.group.micro as u64 + ahead;
            (self.accumulation.group.updates, micro)
        } else {
            let later = ahead - left;
            let update = self.accumulation.group.updates + 1 + later / accumulate;
            (update, later % accumulate)
        };
        Turn {
            phase: 0,
            update,
            opens: micro == 0,
            updates: micro + 1 == accumulate || ahead + 1 == to_end,
        }
    }

    /// Number of micro-batches since the last update, whose gradients wait for others: see
    /// [`accumulate`](crate::TrainerBuilder::accumulate). On a data set the last batch of an epoch updates, so none
    /// wait at its end. Batches passed to [`Trainer::step`] wait until there are enough of them; checkpoints include
    /// their gradients.
    pub fn pending_batches(&self) -> usize {
        self.accumulation.group.micro
    }

    /// Whether any update is done.
    pub(super) fn has_updated(&self) -> bool {
        if self.settings.accumulate == 1 {
            self.cursor.step > 0
        } else {
            self.accumulation.group.updates > 0
        }
    }

    /// Weight of a micro-batch for each term of the loss.
    fn weights(
        &self,
        supervision: Supervision,
        rows: std::ops::Range<usize>,
        label: impl Fn(usize) -> u32,
    ) -> Vec<f64> {
        let weight = |term: &crate::graph::Term| {
            let by_label = term.takes_labels(supervision) && term.loss.divides(Against::Labels);
            // Rows of the loss per sample: the steps of a sequence, or pixels.
            let of_sample = self.network.graph.shape(term.inputs[0]).rows_per_sample();
            let rows = rows.start * of_sample..rows.end * of_sample;
            if by_label {
                let labels = rows.map(|row| Some(label(row)));
                labels.map(|label| term.loss.row_weight(label)).sum()
            } else {
                rows.len() as f64
            }
        };
        self.network.terms.iter().map(weight).collect()
    }

    /// Writes the gradient scales of the next steps on a data set.
    pub(super) fn scale_steps(
        &mut self,
        data: &Dataset,
        supervision: Supervision,
        steps: usize,
    ) -> Result<()> {
        if self.settings.accumulate == 1 {
            return Ok(());
        }
        let order = &self.data.training;
        let weights = |batches: std::ops::Range<usize>| {
            let end = self.first_sample(batches.end).min(data.len());
            let rows = self.first_sample(batches.start)..end;
            self.weights(supervision, rows, |row| order.label(data, row))
        };
        let of_epoch = Some((data.id(), self.cursor.epoch));
        let mut group = self.accumulation.group.clone();
        let (mut groups, mut scales) = (Vec::new(), Vec::new());
        for ahead in 0..steps {
            let position = self.cursor.position + ahead;
            let turn = self.turn(self.cursor.step + ahead as u64);
            let whole = if group.micro > 0 && group.data == of_epoch {
                group.divisor.clone()
            } else {
                let left = self.settings.accumulate - group.micro;
                let mut whole = weights(position..(position + left).min(self.cursor.course));
                if group.micro > 0 {
                    group.add_seen(&mut whole);
                }
                whole
            };
            groups.push((self.cursor.step + ahead as u64, group.clone()));
            let weights = weights(position..position + 1);
            scales.push(self.add_to(&mut group, &weights, Some(&whole), turn)?);
            group.data = of_epoch.filter(|_| !turn.updates);
        }
        self.write_scales(groups, group, &scales)
    }

    /// Writes the gradient scales of one step on a batch of the user's.
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
        let mut group = self.accumulation.group.clone();
        let scales = self.add_to(&mut group, &weights, None, self.turn(self.cursor.step))?;
        group.data = None;
        self.write_scales(
            vec![(self.cursor.step, self.accumulation.group.clone())],
            group,
            &[scales],
        )
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
            steps: self.pipeline.table_steps,
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
        self.accumulation.before.extend(before);
        self.accumulation.next = after;
        Ok(())
    }

    /// State of accumulation after `step` steps, for checkpoints without it. In those versions every update had the
    /// same number of micro-batches, and the sum of their gradients, each a mean over its own rows, was divided by that
    /// number.
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

    /// Restores the state of accumulation before a step, if later steps were submitted.
    pub(super) fn go_back_to(&mut self, step: u64) {
        if let Some((_, group)) = self.accumulation.before.iter().find(|(at, _)| *at == step) {
            self.accumulation.group = group.clone();
        }
        self.accumulation.before.clear();
    }
}
