//! The builder of a trainer.

use super::Trainer;
use super::phase::Phase;
use super::settings::Settings;
use super::steps::{Steps, check_phases};
use crate::graph::Term;
use crate::kernel::base::ranges::check_fraction;
use crate::nn::Network;
use crate::optim::check_groups;
use crate::{
    Augmentation, Clip, Error, Loss, LossTarget, Optimizer, ParameterGroup, ReduceOnPlateau,
    Result, Schedule,
};

/// The maximum of steps in a submit: each has an entry in the step table.
const MAX_STEPS: usize = 1 << 16;

/// Settings of a [`Trainer`], from [`Trainer::new`]; [`build`](TrainerBuilder::build) checks them.
#[derive(Debug)]
pub struct TrainerBuilder {
    pub(super) network: Network,
    pub(super) settings: Settings,
}

impl TrainerBuilder {
    pub(super) fn new(network: Network) -> Self {
        TrainerBuilder {
            network,
            settings: Settings {
                loss: None,
                optimizer: None,
                schedule: Schedule::default(),
                plateau: None,
                batch_size: 64,
                steps_per_submit: 16,
                shuffle: true,
                seed: 0,
                augment: None,
                gradient_norm: false,
                accumulate: 1,
                evaluation_batch_size: None,
                progress_every: None,
                drop_last: false,
                data_budget: 1 << 30,
                clip: None,
                groups: Vec::new(),
                average: None,
                phases: Vec::new(),
            },
        }
    }

    /// What to make small: this loss of the network's output, compared with the labels or target values of the data
    /// (see [`LossTarget::Batch`]). By default that of the network's last trainer, or the terms of its graph
    /// ([`Graph::loss`](crate::Graph::loss)), or softmax cross-entropy where it has none. That default is for labels:
    /// data of target values alone is refused until a loss is given.
    pub fn loss(mut self, loss: impl Into<Loss>) -> Self {
        self.settings.loss = Some((loss.into(), false));
        self
    }

    /// The same, but the output is compared with the samples themselves: trains an autoencoder.
    pub fn reconstruct(mut self, loss: impl Into<Loss>) -> Self {
        self.settings.loss = Some((loss.into(), true));
        self
    }

    /// The optimizer; Adam with a learning rate of 0.001 by default. A trainer with [phases](TrainerBuilder::phase)
    /// has theirs instead: then this is an error.
    pub fn optimizer(mut self, optimizer: impl Into<Optimizer>) -> Self {
        self.settings.optimizer = Some(optimizer.into());
        self
    }

    /// How the learning rate changes by step; not at all by default.
    pub fn schedule(mut self, schedule: impl Into<Schedule>) -> Self {
        self.settings.schedule = schedule.into();
        self
    }

    /// Lowers the learning rate, beside the schedule, when a metric no longer gets better. [`Trainer::fit`] and
    /// [`Trainer::fit_until`] observe one after every epoch, which
    /// [`Fit::plateau_metric`](crate::Fit::plateau_metric) names; beside them there is [`Trainer::observe`].
    pub fn reduce_on_plateau(mut self, plateau: ReduceOnPlateau) -> Self {
        self.settings.plateau = Some(plateau);
        self
    }

    /// Samples in a mini-batch, 64 by default. 1 makes it stochastic descent, the size of the data set batch descent.
    /// The last batch of an epoch has what is left; its mean is over its own rows.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.settings.batch_size = batch_size;
        self
    }

    /// Whether an epoch leaves out its last batch where it has fewer samples than the others; off by default. With
    /// shuffling the samples left out differ from epoch to epoch. An epoch then has ⌊samples / batch size⌋ steps, see
    /// [`Trainer::steps_per_epoch`], and its report counts the samples that were seen.
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.settings.drop_last = drop_last;
        self
    }

    /// Samples in a batch of [`Trainer::evaluate`]. By default 256, or fewer where they would take much memory beside
    /// training's, but at least the batch size of training.
    pub fn evaluation_batch_size(mut self, samples: usize) -> Self {
        self.settings.evaluation_batch_size = Some(samples);
        self
    }

    /// Calls the progress callback of [`Trainer::epoch_with`] after every so many steps of the call, and after its
    /// last one. By default after as many as [`steps_per_submit`](TrainerBuilder::steps_per_submit) says. On a GPU the
    /// calls come when the results of a submit arrive, several at a time if need be.
    pub fn progress_every(mut self, steps: u64) -> Self {
        self.settings.progress_every = Some(steps);
        self
    }

    /// Most steps that go to a GPU in one submit, 16 by default. The results are the same, bit for bit, whatever the
    /// number. It is lowered where a submit might take so long that the operating system would stop it.
    pub fn steps_per_submit(mut self, steps: usize) -> Self {
        self.settings.steps_per_submit = steps;
        self
    }

    /// Bytes of a data set that may lie on the device, 2³⁰ by default. A larger one, or one with a part too large for a
    /// binding, streams: the host gathers each submit's samples and sends them, ahead of the device. The batches are
    /// the same, and so are the results, bit for bit.
    pub fn data_budget(mut self, bytes: u64) -> Self {
        self.settings.data_budget = bytes;
        self
    }

    /// Whether every epoch takes the samples in a new random order; on by default.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.settings.shuffle = shuffle;
        self
    }

    /// Seed of the shuffled orders and of all random numbers of training (dropout, noise, augmentation), 0 by default:
    /// the order is a function of seed and epoch, the others are functions of seed, step and place in the batch.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Moves the samples of every training batch at random, on the device; not at all by default. It is for batches
    /// that are taken from a data set: evaluation, and the batches of your own that [`Trainer::step`] takes, are never
    /// moved.
    ///
    /// The images must have as many values as the network takes.
    pub fn augment(mut self, augmentation: Augmentation) -> Self {
        self.settings.augment = Some(augmentation);
        self
    }

    /// Whether steps report the norm of the gradient, for one more dispatch a step
    /// (for each segment of the parameters, of which there is one unless they are too large for a binding); off by
    /// default.
    pub fn gradient_norm(mut self, gradient_norm: bool) -> Self {
        self.settings.gradient_norm = gradient_norm;
        self
    }

    /// Clips the gradients, by value or by the norm of all together; not at all by default. By norm takes one more
    /// dispatch a step, by value none; neither waits for the device.
    pub fn clip(mut self, clip: Clip) -> Self {
        self.settings.clip = Some(clip);
        self
    }

    /// Clips the norm of the gradient: [`Clip::Norm`].
    pub fn clip_norm(self, most: f64) -> Self {
        self.clip(Clip::Norm(most))
    }

    /// Other rates and penalties for some parameters, or frozen ones; of groups that say different things of a
    /// parameter, the last counts. Call it once for each group. A group that sets nothing, or scales a penalty that no
    /// optimizer has, is an error.
    pub fn group(mut self, group: ParameterGroup) -> Self {
        self.settings.groups.push(group);
        self
    }

    /// Gradient accumulation: this many steps, each on its micro-batch, make one update; 1 by default. So a batch of
    /// `batch_size`·`steps` rows fits where the memory holds `batch_size`. Steps and reports count micro-batches;
    /// schedules and optimizers count updates. An update takes one more dispatch than it else would, the other steps
    /// none.
    ///
    /// The update is that of one large batch, but for rounding and for what batch normalisation computes of each
    /// micro-batch: means are over all its samples, also where micro-batches are short, rows are ignored or classes
    /// have weights, and sums are sums. The last batch of an epoch makes an update with those before it, however few.
    /// Batches of your own ([`Trainer::step`]) wait until they are enough ([`Trainer::pending_batches`]), across
    /// epochs and checkpoints. If such batches differ in weight, and several terms of the loss are divided by
    /// different numbers (the rows, a sum of class weights, nothing), no rule gives the update before all of them are
    /// known: such a step is refused.
    ///
    /// A step is one micro-batch. One that is refused, for example as [`NonFinite`](crate::Error::NonFinite), changes
    /// nothing: gradients and running statistics of the micro-batches before it stay as they were, and another
    /// micro-batch may take its place. Running statistics follow each micro-batch as it comes, as in PyTorch.
    pub fn accumulate(mut self, steps: usize) -> Self {
        self.settings.accumulate = steps;
        self
    }

    /// Keeps an exponential moving average of the weights: after each update a ← a + (1 − decay)·(w − a), after the
    /// first a = w; weights that stand still are their average exactly (Polyak and Juditsky 1992; PyTorch's
    /// `AveragedModel` with `get_ema_multi_avg_fn`). [`Trainer::averaged`] gives it. It takes one more dispatch a
    /// step.
    pub fn average(mut self, decay: f64) -> Self {
        self.settings.average = Some(decay);
        self
    }

    /// Adds a phase: steps take the phases in turn, each with the next batch. Each has an optimizer, and the trainer
    /// has none of its own. Without any, every step trains everything.
    pub fn phase(mut self, phase: Phase) -> Self {
        self.settings.phases.push(phase);
        self
    }

    /// Checks the settings and makes the trainer.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if a setting is outside its range, or the network has no parameters;
    /// [`Shape`](Error::Shape) if the augmentation is for images of another size than the network takes;
    /// [`Limit`](Error::Limit) or [`OutOfMemory`](Error::OutOfMemory) if the device has no room for a batch or the
    /// moments.
    pub fn build(mut self) -> Result<Trainer> {
        let Settings {
            batch_size,
            steps_per_submit,
            augment,
            ..
        } = self.settings;
        self.settings.schedule.check()?;
        if batch_size == 0 {
            return Err(Error::argument("the batch size", "at least 1", 0));
        }
        if !(1..=MAX_STEPS).contains(&steps_per_submit) {
            let expected = format!("from 1 to {MAX_STEPS}");
            return Err(Error::argument(
                "the steps per submit",
                expected,
                steps_per_submit,
            ));
        }
        self.network.check_batch_size(batch_size)?;
        if let Some(samples) = self.settings.evaluation_batch_size {
            if samples == 0 {
                return Err(Error::argument(
                    "the evaluation batch size",
                    "at least 1",
                    0,
                ));
            }
            self.network.check_batch_size(samples)?;
        }
        if self.settings.progress_every == Some(0) {
            let what = "the steps between calls of the progress callback";
            return Err(Error::argument(what, "at least 1", 0));
        }
        if let Some(augmentation) = augment {
            augmentation.check_features("augment", self.network.inputs())?;
            if !augmentation.moves() {
                return Err(Error::argument(
                    "the augmentation",
                    "one with a shift, rotation, scale or elastic displacement",
                    "one without any motion",
                ));
            }
        }
        if let Some((loss, reconstruct)) = self.settings.loss.clone() {
            let mut term = Term::of_output(self.network.output, loss);
            if reconstruct {
                term.target = LossTarget::Value(self.network.input_as_target(self.network.output));
            }
            self.network.set_terms(vec![term])?;
        }
        if self.settings.accumulate == 0 {
            return Err(Error::argument(
                "the micro-batches of an update",
                "at least 1",
                0,
            ));
        }
        if self.settings.accumulate > 1 && self.settings.phases.len() > 1 {
            let found = format!("{} phases", self.settings.phases.len());
            return Err(Error::argument(
                "the phases of accumulating steps",
                "at most 1",
                found,
            ));
        }
        self.settings.clip.map_or(Ok(()), |clip| clip.check())?;
        if let Some(decay) = self.settings.average {
            check_fraction("the decay of the averaged weights", decay)?;
        }
        let mut phases = Vec::new();
        let described = self.settings.described_phases()?;
        let optimizers: Vec<Optimizer> = described.iter().map(Phase::optimizer).collect();
        check_groups(&self.settings.groups, &optimizers)?;
        for phase in &described {
            phases.push(Steps::new(phase, &self.network, &self.settings)?);
        }
        check_phases(&phases, &self.network)?;
        Trainer::from_settings(self.network, self.settings, phases)
    }
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
}
