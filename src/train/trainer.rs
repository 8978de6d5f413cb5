//! The trainer: what a user calls.

use super::evaluate::Pace;
use super::group::Group;
use super::memory::reserve;
use super::options::Settings;
use super::phase::{Steps, Turn, greatest_factors};
use super::pipeline::{Due, InFlight};
use super::remembered::Memory;
use super::resident::Resident;
use super::run::{Anchor, Totals, train_task};
use super::{EpochReport, Progress, StepReport, TrainerBuilder};
use crate::data::{Dataset, Targets};
use crate::executor::{Fetch, IN_FLIGHT, What, most_flops_per_submit};
use crate::kernel::base::state::{ENTRY_WORDS, STATE_VALUES};
use crate::nn::{Losses, Network, PlanKey};
use crate::plan::{Clock, Guarded, Plan, PlanSpec, Role, Task, lower};
use crate::time::Instant;
use crate::{Error, Factors, Plateau, ReduceOnPlateau, Result};
use std::collections::VecDeque;

/// Trains a [`Network`].
///
/// Steps follow each other on the device without the host: batches are gathered there, rates come from a table, results
/// are read some steps late. The same network, data, settings and device give the same bits, however the steps are cut
/// into submits, calls or checkpoints.
///
/// ```
/// use wgrad::{Adam, Dataset, Device, Sequential, Trainer};
/// # fn main() -> wgrad::Result<()> {
/// let xor = Dataset::from_floats(2, vec![0., 0., 0., 1., 1., 0., 1., 1.], vec![0, 1, 1, 0], 2)?;
/// let network = Sequential::new(2).dense(8).tanh().dense(2).build(&Device::cpu(), 1)?;
/// let mut trainer = Trainer::new(network).optimizer(Adam::new(0.05)).batch_size(4).build()?;
/// trainer.fit(&xor, 100)?;
/// assert_eq!(trainer.evaluate(&xor)?.accuracy, 1.0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Trainer {
    pub(super) network: Network,
    pub(super) settings: Settings,
    /// The kinds of steps, in turn.
    pub(super) phases: Vec<Steps>,
    /// For each phase, the tensor of each id of the non-finite guard.
    pub(super) guards: Vec<Vec<Guarded>>,
    /// Dispatches that gather a batch.
    gathers: usize,
    pub(super) plateau: Option<Plateau>,
    /// What the user multiplies the learning rate by.
    pub(super) rate_factor: f64,
    /// What the rules of the last fit remember.
    pub(super) memory: Memory,
    /// The losses of the epoch under way, or of the last one: what a plateau observes.
    pub(super) epoch_losses: Losses,
    /// The step before which `epoch_losses` has all steps of the epoch.
    pub(super) counted: u64,
    /// The epoch that a fit is in. If its future is dropped between the epoch's last step and what a fit does at the end of an
    /// epoch, the next fit does that first.
    pub(super) owed: Option<u32>,
    /// Steps done: the device's counter, once all submits are done.
    pub(super) step: u64,
    pub(super) epoch: u32,
    /// Batches of this epoch that are done.
    pub(super) position: usize,
    /// An epoch, and the samples by which its batches begin later than whole ones would: those of an epoch that was begun
    /// with another batch size.
    pub(super) shifted: (u32, i64),
    /// Samples of the data set that this epoch began with.
    pub(super) samples: usize,
    /// Batches of the epoch under way, or of the last one; 0 for batches of the user's own.
    pub(super) course: usize,
    /// Where accumulation stands at the step `step`, and where it will after the steps that are about to be submitted.
    pub(super) group: Group,
    pub(super) next_group: Group,
    /// Where it stood before each of the steps whose results are on their way.
    pub(super) groups: VecDeque<(u64, Group)>,
    /// Where the last call began, to come back to if it stops half-way.
    pub(super) anchor: Anchor,
    /// Whether steps were submitted whose results have not all arrived.
    pub(super) unsettled: bool,
    /// Steps before this one are careful: see [`crate::kernel::base::guard`].
    pub(super) careful_until: u64,
    /// The network's wild writes that `careful_until` accounts for.
    pub(super) wild_writes: u64,
    /// The high half of the step counter, as it stands in the device's state.
    pub(super) high: u32,
    /// For each phase, the greatest factors of its parameters.
    pub(super) greatest: Vec<Factors>,
    /// Tells if a user has put another network in place of this one.
    network_id: u64,
    pub(super) training: Resident,
    pub(super) evaluation: Resident,
    pub(super) pace: Pace,
    /// The plan of a whole batch.
    pub(super) plan: Plan,
    /// Entries of the step table and places of the metric ring: a power of two, and at least the steps of all submits in
    /// flight.
    pub(super) table_steps: usize,
    /// Most steps per submit.
    pub(super) submit_steps: usize,
    pub(super) in_flight: VecDeque<InFlight>,
    /// The losses of one step, to be summed up.
    pub(super) losses: Losses,
    /// What a submit reports: the state, and its steps' places in the metric ring and in that of gradient norms.
    pub(super) fetch: Vec<Fetch>,
    /// Entries of the step table on their way to the device.
    pub(super) entries: Vec<u32>,
    /// What a submit has reported.
    pub(super) fetched: Vec<u32>,
    /// Lists of turns that no submit has any more, to be filled again.
    pub(super) spare_turns: Vec<Vec<Turn>>,
}

impl Trainer {
    /// Settings for a trainer of this network, to be completed and built.
    #[expect(
        clippy::new_ret_no_self,
        reason = "the first link of the builder's chain"
    )]
    pub fn new(network: Network) -> TrainerBuilder {
        TrainerBuilder::new(network)
    }

    pub(super) fn from_settings(
        mut network: Network,
        settings: Settings,
        phases: Vec<Steps>,
    ) -> Result<Self> {
        let plateau = settings.plateau.map(ReduceOnPlateau::build).transpose()?;
        // An earlier trainer's.
        network.forget_training();
        let (batch, settings_accumulate) = (settings.batch_size, settings.accumulate);
        // The plan's cost does not depend on where the batch comes from, so first drafts tell the submit's size.
        let supervision = network.usual_supervision();
        let task = |phase| Task::Train(train_task(&settings, &phases[phase], phase));
        let drafts: Vec<Plan> = (0..phases.len())
            .map(|phase| lower(&network.request(batch, task(phase), supervision)))
            .collect();
        let flops = drafts.iter().map(Plan::flops).max().unwrap_or(0).max(1);
        let most = (most_flops_per_submit(&network.device) / flops).max(1);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let submit_steps = settings.steps_per_submit.min(most);
        // Of all submits in flight, so that no result is lost where a future is dropped.
        let table_steps = (IN_FLIGHT * submit_steps).next_power_of_two();
        let plan = |phase| {
            lower(&PlanSpec {
                table_steps,
                seed: settings.seed,
                ..network.request(batch, task(phase), supervision)
            })
        };
        let mut plans: Vec<Plan> = (0..phases.len()).map(plan).collect();
        let buffers = reserve(&mut network, &settings, &phases, &plans, table_steps)?;
        let mut trainer = Trainer {
            losses: Losses::new(&network, settings.batch_size),
            memory: Memory::default(),
            epoch_losses: Losses::new(&network, settings.batch_size),
            counted: 0,
            owed: None,
            guards: drafts.into_iter().map(|draft| draft.guards).collect(),
            gathers: 1 + usize::from(supervision.targets),
            plateau,
            rate_factor: 1.0,
            step: 0,
            epoch: 0,
            position: 0,
            shifted: (0, 0),
            samples: 0,
            course: 0,
            group: Group::default(),
            next_group: Group::default(),
            groups: VecDeque::new(),
            anchor: Anchor::default(),
            unsettled: false,
            careful_until: 0,
            wild_writes: 0,
            high: 0,
            greatest: phases.iter().map(greatest_factors).collect(),
            network_id: network.id(),
            training: Resident::new(Clock::Training).keeping_order(settings_accumulate > 1),
            evaluation: Resident::new(Clock::Evaluation),
            pace: Pace::new(&network, &settings, &buffers),
            plan: plans.swap_remove(0),
            settings,
            table_steps,
            submit_steps,
            phases,
            in_flight: VecDeque::with_capacity(IN_FLIGHT),
            network,
            fetch: Vec::with_capacity(5),
            entries: Vec::with_capacity(ENTRY_WORDS * table_steps),
            fetched: Vec::new(),
            spare_turns: Vec::new(),
        };
        trainer.write_state()?;
        Ok(trainer)
    }

    /// The network, to read or set parameters, predict, or save the weights. Putting another one in its place makes every
    /// later call that trains or evaluates an error.
    pub fn network(&mut self) -> &mut Network {
        &mut self.network
    }

    /// Ends training and gives the network back.
    pub fn into_network(self) -> Network {
        let mut network = self.network;
        // Its next trainer cannot know what the last steps wrote.
        if self.unsettled || self.step < self.careful_until {
            network.wild_writes += 1;
        }
        network.forget_training();
        network
    }

    /// The compiled plan of a step of the first phase that updates, on a whole batch, without the gather calls: for its
    /// listing and counts.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Dispatches of such a step on a data set: those of the plan, one that gathers samples and labels, and one more where
    /// there are target values.
    pub fn dispatches_per_step(&self) -> usize {
        self.plan.dispatches() + self.gathers
    }

    /// Most steps in one submit: what was set, or fewer if that many might take too long.
    pub fn steps_per_submit(&self) -> usize {
        self.submit_steps
    }

    /// Submits to the device so far.
    pub fn submits(&self) -> u64 {
        self.network.executor.submits()
    }

    /// Steps that an epoch of this data set takes: its batches, without the last one if that is not whole and
    /// [`drop_last`](crate::TrainerBuilder::drop_last) leaves it out. A schedule over n epochs has n times as many.
    pub fn steps_per_epoch(&self, data: &Dataset) -> u64 {
        self.batches(data.len()) as u64
    }

    /// Batches of an epoch of so many samples.
    pub(super) fn batches(&self, samples: usize) -> usize {
        let batch = self.settings.batch_size;
        if self.settings.drop_last {
            samples / batch
        } else {
            samples.div_ceil(batch)
        }
    }

    /// Steps done.
    pub fn step_count(&self) -> u64 {
        self.step
    }

    /// The epoch under way, from 0.
    pub fn epoch_number(&self) -> u32 {
        self.epoch
    }

    /// One step on a batch of your own. Waits for its result.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape), [`Label`](Error::Label) or [`NonFiniteData`](Error::NonFiniteData) if the batch is not
    /// fit for training; [`NonFinite`](Error::NonFinite) if loss or gradient are not finite.
    pub async fn step_async<'a>(
        &mut self,
        x: &[f32],
        targets: impl Into<Targets<'a>>,
    ) -> Result<StepReport> {
        self.step_on(x, targets.into(), false).await
    }

    /// One step on a batch of the user's, inspected or not.
    pub(super) async fn step_on(
        &mut self,
        x: &[f32],
        targets: Targets<'_>,
        inspect: bool,
    ) -> Result<StepReport> {
        self.settle().await?;
        let (rows, supervision) = self.network.check_batch("step", x, targets)?;
        if rows > self.settings.batch_size {
            let wanted = format!(
                "at most {} samples, the batch size",
                self.settings.batch_size
            );
            return Err(Error::shape("step", wanted, format!("{rows} samples")));
        }
        self.course = 0;
        let (mut totals, mut report) = (Totals::new(self), None);
        self.anchor = Anchor::at(self, 0);
        let due = Due {
            every: 1,
            last: self.anchor.step,
        };
        let buffers = self.network.batch_buffers(rows, targets);
        let mut written = false;
        // Twice, if it turns out to need care.
        loop {
            let turn = self.turn(self.step);
            let values = self.step_values(turn)?;
            let key = PlanKey {
                purpose: self.purpose(self.step, inspect),
                batch: rows,
                supervision,
                gather: None,
            };
            let what = What::Count("a step on", rows, "samples");
            self.prepare(what, &[key], &buffers, (1, self.fetched_words()))?;
            let plan = self.network.ready(&key).0;
            if !written {
                self.network.write_input(x, rows)?;
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
                self.unsettled = false;
                return Ok(report);
            }
        }
    }

    /// [`Trainer::step_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn step<'a>(&mut self, x: &[f32], targets: impl Into<Targets<'a>>) -> Result<StepReport> {
        pollster::block_on(self.step_async(x, targets))
    }

    /// Runs `steps` steps on a data set, from where the last call stopped, over as many epochs as it takes.
    ///
    /// # Errors
    /// As [`Trainer::epoch_async`].
    pub async fn steps_async(&mut self, data: &Dataset, steps: u64) -> Result<EpochReport> {
        let mark = self.network.executor.mark();
        let (start, epoch) = (Instant::now(), self.epoch);
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
    /// [`Argument`](Error::Argument) if labels are missing that no loss ignores, or another network was put in place of the
    /// trainer's; [`Limit`](Error::Limit) or [`OutOfMemory`](Error::OutOfMemory) if the samples are too large for the
    /// device; [`NonFinite`](Error::NonFinite) if loss or gradient are not finite.
    pub async fn epoch_async(
        &mut self,
        data: &Dataset,
        mut progress: impl FnMut(Progress),
    ) -> Result<EpochReport> {
        let (start, epoch) = (Instant::now(), self.epoch);
        let mut totals = Totals::new(self);
        self.run_epoch(data, u64::MAX, false, &mut totals, &mut progress)
            .await?;
        Ok(totals.report(self, epoch, start))
    }

    /// Ends the epoch under way, if there is one: the next call begins another, on any data set.
    pub fn end_epoch(&mut self) {
        if self.position > 0 {
            (self.epoch, self.position) = (self.epoch.saturating_add(1), 0);
        }
        self.owed = None;
        // If the last call stopped half-way, how many of its steps were done is found later; the epoch stays ended.
        self.anchor.batches = 0;
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
    /// [plateau](crate::TrainerBuilder::reduce_on_plateau) observes the training loss of each, or, where higher is better,
    /// the accuracy; [`Trainer::fit_until`] can have it observe a validation set.
    ///
    /// # Errors
    /// As [`Trainer::epoch_async`]; and [`Argument`](Error::Argument) if a plateau is to observe an accuracy that the
    /// losses do not have.
    pub async fn fit_async(&mut self, data: &Dataset, epochs: u32) -> Result<Vec<EpochReport>> {
        self.settle().await?;
        if self.owes_end() {
            self.end_fit_epoch(None, None)?;
        }
        let mark = self.network.executor.mark();
        let mut reports = Vec::new();
        for _ in 0..epochs {
            self.owed = Some(self.epoch);
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

    /// Refuses a network that is not the one the trainer was made for.
    pub(super) fn check_network(&self) -> Result<()> {
        if self.network.id() == self.network_id {
            return Ok(());
        }
        let found = "another, put in its place";
        Err(Error::argument(
            "a trainer's network",
            "the one it was made for",
            found,
        ))
    }

    /// The network's output for any number of samples: see [`Network::predict_async`].
    ///
    /// # Errors
    /// As there.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn predict(&mut self, x: &[f32]) -> Result<Vec<f32>> {
        self.network.predict(x)
    }
}
