//! Training calls: steps, epochs and fits without rules.

use super::state::{Anchor, Due};
use super::totals::Totals;
use super::{EpochReport, Progress, StepReport, Trainer};
use crate::data::{Dataset, Targets};
use crate::executor::What;
use crate::kernel::base::state::VALUES;
use crate::nn::PlanKey;
use crate::plan::{Clock, Role};
use crate::time::Instant;
use crate::{Error, Inputs, Result};

impl Trainer {
    /// Runs one step on a batch of your own and waits for its result.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape), [`Label`](Error::Label) or [`NonFiniteData`](Error::NonFiniteData) if the batch does
    /// not suit the network and its losses; [`NonFinite`](Error::NonFinite) if the loss, a gradient or an updated value
    /// is not finite.
    pub async fn step_async<'a>(
        &mut self,
        x: impl Into<Inputs<'a>>,
        targets: impl Into<Targets<'a>>,
    ) -> Result<StepReport> {
        self.step_on(x.into(), targets.into(), false).await
    }

    /// Runs one step on a batch of the user's, inspected or not.
    pub(super) async fn step_on(
        &mut self,
        x: Inputs<'_>,
        targets: Targets<'_>,
        inspect: bool,
    ) -> Result<StepReport> {
        self.resync().await?;
        let left_out = self.network.left_out(&x);
        let (samples, supervision) = self.network.check_batch("step", x, targets)?;
        let rows = samples.rows;
        if rows > self.settings.batch_size {
            let wanted = format!(
                "at most {} samples, the batch size",
                self.settings.batch_size
            );
            return Err(Error::shape("step", wanted, format!("{rows} samples")));
        }
        self.cursor.course = 0;
        let (mut totals, mut report) = (Totals::new(self), None);
        self.pipeline.anchor = Anchor::at(&self.cursor, 0);
        let due = Due {
            every: 1,
            last: self.pipeline.anchor.step,
        };
        let buffers = self.network.batch_buffers(rows, targets);
        let mut written = false;
        // The step runs a second time if it turns out to need care.
        loop {
            let turn = self.turn(self.cursor.step);
            let values = self.step_values(turn)?;
            let key = PlanKey {
                purpose: self.purpose(self.cursor.step, inspect),
                batch: rows,
                supervision,
                gather: None,
            };
            let what = What::Count("a step on", rows, "samples");
            let keys = std::slice::from_ref(&key);
            self.prepare(what, keys, &buffers, (1, self.fetched_words()))?;
            let plan = self.network.ready(&key).0;
            if !written {
                self.network.write_step_input(&samples, rows, &left_out)?;
                self.network.write_targets(targets, rows)?;
                written = true;
            }
            // Without a gather, the host writes the step's values.
            let state = Role::State(Clock::Training);
            let executor = &mut self.network.executor;
            executor.write(state, VALUES, &values.words())?;
            self.scale_step(targets, supervision, rows)?;
            self.submit(&[plan], vec![turn], rows)?;
            self.collect(&mut totals, due, &mut |last, _| report = Some(last))
                .await?;
            if let Some(report) = report {
                self.pipeline.out_of_sync = false;
                return Ok(report);
            }
        }
    }

    /// Blocking form of [`Trainer::step_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn step<'a>(
        &mut self,
        x: impl Into<Inputs<'a>>,
        targets: impl Into<Targets<'a>>,
    ) -> Result<StepReport> {
        pollster::block_on(self.step_async(x, targets))
    }

    /// Runs `steps` steps on a data set, from where the last call stopped, across as many epochs as necessary.
    ///
    /// # Errors
    /// Those of [`Trainer::epoch_async`].
    pub async fn steps_async(&mut self, data: &Dataset, steps: u64) -> Result<EpochReport> {
        let mark = self.network.executor.mark();
        let (start, epoch) = (Instant::now(), self.cursor.epoch);
        let mut totals = Totals::new(self);
        let mut done = Ok(());
        while totals.steps < steps && done.is_ok() {
            let left = steps - totals.steps;
            done = self
                .run_epoch(data, left, false, &mut totals, &mut |_| {})
                .await;
        }
        self.network.executor.undo_if_refused(mark, done)?;
        Ok(totals.report(self, epoch, start))
    }

    /// Blocking form of [`Trainer::steps_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn steps(&mut self, data: &Dataset, steps: u64) -> Result<EpochReport> {
        pollster::block_on(self.steps_async(data, steps))
    }

    /// Runs one epoch, which visits every sample once. If [`steps`](Trainer::steps) or a loaded checkpoint stopped
    /// within an epoch, it runs the rest of that epoch. `progress` is called every
    /// [`progress_every`](crate::TrainerBuilder::progress_every) steps, once their results have arrived.
    ///
    /// If the future is dropped, or `progress` panics, the trainer remains usable: submitted steps are done, and the
    /// next call continues after them, unless [`Trainer::end_epoch`] ends the epoch first.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if samples, classes or target values do not suit the network and its losses;
    /// [`Argument`](Error::Argument) if labels are missing that the loss does not ignore, or if the trainer's network
    /// was replaced by another; [`Limit`](Error::Limit) or [`OutOfMemory`](Error::OutOfMemory) if the samples are too
    /// large for the device; [`NonFinite`](Error::NonFinite) if the loss, a gradient or an updated value is not finite.
    pub async fn epoch_async(
        &mut self,
        data: &Dataset,
        mut progress: impl FnMut(Progress),
    ) -> Result<EpochReport> {
        let (start, epoch) = (Instant::now(), self.cursor.epoch);
        let mut totals = Totals::new(self);
        self.run_epoch(data, u64::MAX, false, &mut totals, &mut progress)
            .await?;
        Ok(totals.report(self, epoch, start))
    }

    /// Ends the current epoch early, if one was begun. The next call begins a new epoch, on any data set.
    pub fn end_epoch(&mut self) {
        if self.cursor.position > 0 {
            (self.cursor.epoch, self.cursor.position) = (self.cursor.epoch.saturating_add(1), 0);
        }
        self.record.owed = None;
        // If the last call was interrupted, a later call counts its completed steps; the epoch stays ended.
        self.pipeline.anchor.batches = 0;
    }

    /// Blocking form of [`Trainer::epoch_async`] without a progress callback, with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn epoch(&mut self, data: &Dataset) -> Result<EpochReport> {
        pollster::block_on(self.epoch_async(data, |_| {}))
    }

    /// Blocking form of [`Trainer::epoch_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn epoch_with(
        &mut self,
        data: &Dataset,
        progress: impl FnMut(Progress),
    ) -> Result<EpochReport> {
        pollster::block_on(self.epoch_async(data, progress))
    }

    /// Runs epochs and returns their reports. A [plateau](crate::TrainerBuilder::reduce_on_plateau) observes the
    /// training loss of each epoch, or the training accuracy if higher is better. With [`Trainer::fit_until`] it can
    /// observe a validation set.
    ///
    /// # Errors
    /// Those of [`Trainer::epoch_async`]; and [`Argument`](Error::Argument) if a plateau must observe an accuracy that
    /// the losses do not have.
    pub async fn fit_async(&mut self, data: &Dataset, epochs: u32) -> Result<Vec<EpochReport>> {
        self.resync().await?;
        if self.owes_end() {
            self.end_fit_epoch(None, None)?;
        }
        let mark = self.network.executor.mark();
        let mut reports = Vec::new();
        for _ in 0..epochs {
            self.record.owed = Some(self.cursor.epoch);
            let report = self.epoch_async(data, |_| {}).await;
            reports.push(
                self.network
                    .executor
                    .undo_if_refused(mark.clone(), report)?,
            );
            self.end_fit_epoch(None, None)?;
        }
        Ok(reports)
    }

    /// Blocking form of [`Trainer::fit_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn fit(&mut self, data: &Dataset, epochs: u32) -> Result<Vec<EpochReport>> {
        pollster::block_on(self.fit_async(data, epochs))
    }

    /// Returns the network's output for any number of samples: see
    /// [`Network::predict_async`](crate::Network::predict_async).
    ///
    /// # Errors
    /// Those of [`Network::predict_async`](crate::Network::predict_async).
    #[cfg(not(target_arch = "wasm32"))]
    pub fn predict<'a>(&self, x: impl Into<Inputs<'a>>) -> Result<Vec<f32>> {
        self.network.predict(x)
    }
}
