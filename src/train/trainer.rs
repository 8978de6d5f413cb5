//! The trainer: its fields, construction and accessors.

use super::memory::reserve;
use super::pace::Pace;
use super::resident::Resident;
use super::rule_memory::Memory;
use super::settings::Settings;
use super::state::{
    Accumulation, Anchor, Care, Cursor, DeviceData, EpochRecord, Pipeline, RateFactors, StepPlan,
};
use super::steps::{Steps, max_factors};
use super::tasks::train_task;
use crate::executor::{IN_FLIGHT, max_flops_per_submit};
use crate::kernel::base::state::{ENTRY_WORDS, state_at};
use crate::nn::{Losses, Network};
use crate::plan::{Clock, Plan, PlanSpec, Role, Task, lower};
use crate::{ReduceOnPlateau, Result};
use std::collections::VecDeque;

/// Trains a [`Network`].
///
/// Steps run on the device without waiting for the host: a kernel gathers each batch, learning rates come from a table,
/// and the host reads results a few steps late. The same network, data, settings and device give the same bits, however
/// the steps are split into submits, calls or checkpoints.
///
/// ```
/// use wgrad::{Adam, Dataset, Device, Sequential, Trainer};
/// # fn main() -> wgrad::Result<()> {
/// let xor = Dataset::from_floats(2, vec![0., 0., 0., 1., 1., 0., 1., 1.], vec![0, 1, 1, 0], 2)?;
/// let network = Sequential::new(2).dense(8).tanh().dense(2).build(&Device::cpu(), 1)?;
/// let mut trainer = Trainer::builder(network).optimizer(Adam::new(0.05)).batch_size(4).build()?;
/// trainer.fit(&xor, 100)?;
/// assert_eq!(trainer.evaluate(&xor)?.accuracy, Some(1.0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Trainer {
    pub(super) network: Network,
    /// Id of the network that the trainer was built for. It detects a network that the user put in its place.
    pub(super) network_id: u64,
    pub(super) settings: Settings,
    /// The kinds of steps; step `s` is of kind `s` modulo their number.
    pub(super) phases: Vec<Steps>,
    pub(super) cursor: Cursor,
    pub(super) accumulation: Accumulation,
    pub(super) rate: RateFactors,
    /// Memory of the last fit's rules.
    pub(super) memory: Memory,
    pub(super) record: EpochRecord,
    pub(super) care: Care,
    pub(super) pipeline: Pipeline,
    pub(super) data: DeviceData,
    pub(super) step_plan: StepPlan,
}

impl Trainer {
    pub(super) fn from_settings(
        mut network: Network,
        settings: Settings,
        phases: Vec<Steps>,
    ) -> Result<Self> {
        let plateau = settings.plateau.map(ReduceOnPlateau::build).transpose()?;
        // An earlier trainer's.
        network.forget_training();
        let batch = settings.batch_size;
        // The plan's cost does not depend on where the batch comes from, so provisional plans give the submit's size.
        let supervision = network.usual_supervision();
        let task = |phase| Task::Train(train_task(&settings, &phases[phase], phase));
        let provisional: Vec<Plan> = (0..phases.len())
            .map(|phase| lower(&network.plan_spec(batch, task(phase), supervision)))
            .collect();
        let flops = provisional
            .iter()
            .map(Plan::flops)
            .max()
            .unwrap_or(0)
            .max(1);
        let most = (max_flops_per_submit(&network.device) / flops).max(1);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let submit_steps = settings.steps_per_submit.min(most);
        // Room for all submits in flight, so that no result is lost if a future is dropped.
        let table_steps = (IN_FLIGHT * submit_steps).next_power_of_two();
        let plan = |phase| {
            lower(&PlanSpec {
                table_steps,
                seed: settings.seed,
                ..network.plan_spec(batch, task(phase), supervision)
            })
        };
        let mut plans: Vec<Plan> = (0..phases.len()).map(plan).collect();
        let buffers = reserve(&mut network, &settings, &phases, &plans, table_steps)?;
        let state = Role::State(Clock::Training);
        network.executor.write(state, 0, &state_at(0))?;
        let losses = || Losses::new(&network, settings.batch_size);
        let trainer = Trainer {
            cursor: Cursor::default(),
            accumulation: Accumulation::default(),
            rate: RateFactors {
                plateau,
                factor: 1.0,
            },
            memory: Memory::default(),
            record: EpochRecord {
                losses: losses(),
                counted: 0,
                owed: None,
            },
            care: Care {
                until: 0,
                wild_writes: 0,
                max_factors: phases.iter().map(max_factors).collect(),
            },
            pipeline: Pipeline {
                anchor: Anchor::default(),
                out_of_sync: false,
                high: 0,
                table_steps,
                submit_steps,
                in_flight: VecDeque::with_capacity(IN_FLIGHT),
                losses: losses(),
                fetch: Vec::with_capacity(5),
                entries: Vec::with_capacity(ENTRY_WORDS * table_steps),
                fetched: Vec::new(),
                spare_turns: Vec::new(),
            },
            data: DeviceData {
                training: Resident::new(Clock::Training).keeping_order(settings.accumulate > 1),
                evaluation: Resident::new(Clock::Evaluation),
                pace: Pace::new(&network, &settings, &buffers),
            },
            step_plan: StepPlan {
                plan: plans.swap_remove(0),
                gathers: network.data_inputs().len() + usize::from(supervision.targets),
                guards: provisional.into_iter().map(|plan| plan.guards).collect(),
            },
            network_id: network.id(),
            network,
            settings,
            phases,
        };
        Ok(trainer)
    }

    /// The network: read its parameters, predict, or save the weights.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The network, to change its parameters or to call what needs it exclusively. If another network is put in its
    /// place, every later call that trains or evaluates is an error.
    pub fn network_mut(&mut self) -> &mut Network {
        &mut self.network
    }

    /// Ends training and returns the network.
    pub fn into_network(self) -> Network {
        let mut network = self.network;
        // A later trainer cannot know what the last steps wrote.
        if self.pipeline.out_of_sync || self.cursor.step < self.care.until {
            network.wild_writes += 1;
        }
        network.forget_training();
        network
    }

    /// The compiled plan of one step: the first phase, a full batch, with its update, without the gather calls. Use it
    /// for listings and counts.
    pub fn plan(&self) -> &Plan {
        &self.step_plan.plan
    }

    /// Dispatches of one step on a data set: those of [`Trainer::plan`], one that gathers samples and labels, one
    /// more for each further input, and one more if there are target values. A data set of several sequences takes one
    /// more for each carried state.
    pub fn dispatches_per_step(&self) -> usize {
        self.step_plan.plan.dispatches() + self.step_plan.gathers
    }

    /// Maximum number of steps in one submit: the setting, or fewer if that many might take too long.
    pub fn steps_per_submit(&self) -> usize {
        self.pipeline.submit_steps
    }

    /// Number of submits to the device so far.
    pub fn submits(&self) -> u64 {
        self.network.executor.submits()
    }

    /// Number of steps done.
    pub fn step_count(&self) -> u64 {
        self.cursor.step
    }

    /// Number of the current epoch, from 0.
    pub fn epoch_number(&self) -> u32 {
        self.cursor.epoch
    }
}
