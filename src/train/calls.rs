//! Steps, epochs and fits without rules: the calls that train.

use super::state::{Anchor, Due};
use super::totals::Totals;
use super::{EpochReport, Progress, StepReport, Trainer};
use crate::data::{Dataset, Targets};
use crate::executor::What;
use crate::kernel::base::state::STATE_VALUES;
use crate::nn::PlanKey;
use crate::plan::{Clock, Role};
use crate::time::Instant;
use crate::{Error, Inputs, Result};

impl Trainer {
    /// One step on a batch of your own. Waits for its result.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape), [`Label`](Error::Label) or [`NonFiniteData`](Error::NonFiniteData) if the batch is not
    /// fit for training; [`NonFinite`](Error::NonFinite) if loss or gradient are not finite.
    pub async fn step_async<'a>(
        &mut self,
        x: impl Into<Inputs<'a>>,
        targets: impl Into<Targets<'a>>,
    ) -> Result<StepReport> {
        self.step_on(x.into(), targets.into(), false).await
    }

    /// One step on a batch of the user's, inspected or not.
    pub(super) async fn step_on(
        &mut self,
        x: Inputs<'_>,
        targets: Targets<'_>,
        inspect: bool,
    ) -> Result<StepReport> {
        self.resync().await?;
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
        // Twice, if it turns out to need care.
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
            self.prepare(what, &[key], &buffers, (1, self.fetched_words()))?;
            let plan = self.network.ready(&key).0;
            if !written {
                self.network.write_input(&samples, rows)?;
                self.network.write_targets(targets, rows)?;
                written = true;
            }
            // There is no gather to bring them.
            let state = Role::State(Clock::Training);
            let executor = &mut self.network.executor;
            executor.write(state, STATE_VALUES, &values.words())?;
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

    /// [`Trainer::step_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn step<'a>(
        &mut self,
        x: impl Into<Inputs<'a>>,
        targets: impl Into<Targets<'a>>,
    ) -> Result<StepReport> {
        pollster::block_on(self.step_async(x, targets))
    }

    /// Runs `steps` steps on a data set, from where the last call stopped, over as many epochs as it takes.
    ///
    /// # Errors
    /// As [`Trainer::epoch_async`].
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

    /// [`Trainer::steps_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn steps(&mut self, data: &Dataset, steps: u64) -> Result<EpochReport> {
        pollster::block_on(self.steps_async(data, steps))
    }

    /// One epoch: every sample once; or, if calls of [`steps`](Trainer::steps) or a loaded checkpoint stopped within an
    /// epoch, the rest of it. `progress` is called after every so many steps
    /// ([`progress_every`](crate::TrainerBuilder::progress_every)), when their results have arrived.
    ///
    /// If the future is dropped, or `progress` panics, the trainer stays fit for use: the steps that were submitted are
    /// done, and the next call goes on after them, unless [`Trainer::end_epoch`] comes first.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if samples, classes or target values are not what network and losses take;
    /// [`Argument`](Error::Argument) if labels are missing that no loss ignores, or another network was put in place
    /// of the trainer's; [`Limit`](Error::Limit) or [`OutOfMemory`](Error::OutOfMemory) if the samples are too large
    /// for the device; [`NonFinite`](Error::NonFinite) if loss or gradient are not finite.
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

    /// Ends the epoch under way, if there is one: the next call begins another, on any data set.
    pub fn end_epoch(&mut self) {
        if self.cursor.position > 0 {
            (self.cursor.epoch, self.cursor.position) = (self.cursor.epoch.saturating_add(1), 0);
        }
        self.record.owed = None;
        // If the last call stopped half-way, how many of its steps were done is found later; the epoch stays ended.
        self.pipeline.anchor.batches = 0;
    }

    /// [`Trainer::epoch_async`], waited for, without progress.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn epoch(&mut self, data: &Dataset) -> Result<EpochReport> {
        pollster::block_on(self.epoch_async(data, |_| {}))
    }

    /// [`Trainer::epoch_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn epoch_with(
        &mut self,
        data: &Dataset,
        progress: impl FnMut(Progress),
    ) -> Result<EpochReport> {
        pollster::block_on(self.epoch_async(data, progress))
    }

    /// Runs epochs one after the other, and gives their reports. A
    /// [plateau](crate::TrainerBuilder::reduce_on_plateau) observes the training loss of each, or, where higher is
    /// better, the accuracy; [`Trainer::fit_until`] can have it observe a validation set.
    ///
    /// # Errors
    /// As [`Trainer::epoch_async`]; and [`Argument`](Error::Argument) if a plateau is to observe an accuracy that the
    /// losses do not have.
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

    /// [`Trainer::fit_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn fit(&mut self, data: &Dataset, epochs: u32) -> Result<Vec<EpochReport>> {
        pollster::block_on(self.fit_async(data, epochs))
    }

    /// The network's output for any number of samples: see [`Network::predict_async`](crate::Network::predict_async).
    ///
    /// # Errors
    /// As there.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn predict<'a>(&self, x: impl Into<Inputs<'a>>) -> Result<Vec<f32>> {
        self.network.predict(x)
    }
}
