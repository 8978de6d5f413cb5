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

/// Maximum number of steps in a submit. Each step has an entry in the step table.
const MAX_STEPS: usize = 1 << 16;

/// Settings of a [`Trainer`], from [`Trainer::builder`]; [`build`](TrainerBuilder::build) checks them.
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

    /// The loss to minimise: it compares the network's output with the labels or target values of the data (see
    /// [`LossTarget::Batch`]). The default is the loss of the network's last trainer; without one, the terms of its
    /// graph ([`Graph::loss`](crate::Graph::loss)); without any, softmax cross-entropy. That last default needs labels:
    /// data with target values alone is refused until a loss is given.
    pub fn loss(mut self, loss: impl Into<Loss>) -> Self {
        self.settings.loss = Some((loss.into(), false));
        self
    }

    /// The loss to minimise, which compares the network's output with the samples themselves, as an autoencoder needs.
    pub fn reconstruct(mut self, loss: impl Into<Loss>) -> Self {
        self.settings.loss = Some((loss.into(), true));
        self
    }

    /// The optimizer; by default Adam with a learning rate of 0.001. In a trainer with [phases](TrainerBuilder::phase)
    /// each phase has its own optimizer, and setting one here is an error.
    pub fn optimizer(mut self, optimizer: impl Into<Optimizer>) -> Self {
        self.settings.optimizer = Some(optimizer.into());
        self
    }

    /// The learning-rate schedule, by step; by default the rate is constant.
    pub fn schedule(mut self, schedule: impl Into<Schedule>) -> Self {
        self.settings.schedule = schedule.into();
        self
    }

    /// Lowers the learning rate when a metric stops improving; its factor multiplies the schedule's rate.
    /// [`Trainer::fit`] and [`Trainer::fit_until`] observe a metric after every epoch;
    /// [`Fit::plateau_metric`](crate::Fit::plateau_metric) chooses it. In a loop of your own, call
    /// [`Trainer::observe`].
    pub fn reduce_on_plateau(mut self, plateau: ReduceOnPlateau) -> Self {
        self.settings.plateau = Some(plateau);
        self
    }

    /// Samples per mini-batch; 64 by default. A size of 1 is stochastic gradient descent; the size of the data set is
    /// batch gradient descent. The last batch of an epoch holds the remaining samples, and its mean is over its own
    /// rows.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.settings.batch_size = batch_size;
        self
    }

    /// Whether an epoch leaves out its last batch if that has fewer samples than the others; off by default. With
    /// shuffling, different samples are left out in each epoch. An epoch then has ⌊samples / batch size⌋ steps (see
    /// [`Trainer::steps_per_epoch`]), and its report counts the samples used.
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.settings.drop_last = drop_last;
        self
    }

    /// Samples per batch of [`Trainer::evaluate`]. The default is 256, or fewer if their values would take more than an
    /// eighth of the memory of training, but at least the batch size of training.
    pub fn evaluation_batch_size(mut self, samples: usize) -> Self {
        self.settings.evaluation_batch_size = Some(samples);
        self
    }

    /// Steps between two calls of the progress callback of [`Trainer::epoch_with`], which is also called after the last
    /// step. The default is the value of [`steps_per_submit`](TrainerBuilder::steps_per_submit). On a GPU the callback
    /// runs when the results of a submit arrive, several times in a row if necessary.
    pub fn progress_every(mut self, steps: u64) -> Self {
        self.settings.progress_every = Some(steps);
        self
    }

    /// Maximum number of steps in one submit to a GPU; 16 by default. The number does not change any bit of the
    /// results. The trainer lowers it if a submit might take so long that the operating system would stop it.
    pub fn steps_per_submit(mut self, steps: usize) -> Self {
        self.settings.steps_per_submit = steps;
        self
    }

    /// Maximum size in bytes of a data set that is kept on the device; 2³⁰ by default. A larger data set, or one with a
    /// part too large for a binding, is streamed: the host gathers the samples of each submit and uploads them ahead of
    /// time. Batches and results are the same, bit for bit.
    pub fn data_budget(mut self, bytes: u64) -> Self {
        self.settings.data_budget = bytes;
        self
    }

    /// Whether every epoch visits the samples in a new random order; on by default.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.settings.shuffle = shuffle;
        self
    }

    /// Seed of the shuffling and of all random numbers of training (dropout, noise, augmentation); 0 by default. The
    /// order is a function of seed and epoch. The other numbers are functions of seed, step and place in the batch.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Random motion of the images of every training batch, on the device; none by default. It applies to batches from
    /// a data set. Evaluation and the batches passed to [`Trainer::step`] are never augmented.
    ///
    /// A sample of the network's first input must be an image of this size, or flat. Other inputs are not augmented.
    pub fn augment(mut self, augmentation: Augmentation) -> Self {
        self.settings.augment = Some(augmentation);
        self
    }

    /// Whether steps report the norm of the gradient; off by default. It costs one dispatch per step for each segment
    /// of the parameters; they form one segment unless they are too large for a binding.
    pub fn gradient_norm(mut self, gradient_norm: bool) -> Self {
        self.settings.gradient_norm = gradient_norm;
        self
    }

    /// Gradient clipping, by value or by the global norm; none by default. Clipping by norm takes one more dispatch per
    /// step, by value none. Neither waits for the device.
    pub fn clip(mut self, clip: Clip) -> Self {
        self.settings.clip = Some(clip);
        self
    }

    /// Clips the global norm of the gradients to at most this: [`Clip::Norm`].
    pub fn clip_norm(self, most: f64) -> Self {
        self.clip(Clip::Norm(most))
    }

    /// Adds a parameter group: other learning rates and penalties for some parameters, or frozen parameters. Call it
    /// once per group. If several groups set the same coefficient of a parameter, the last one counts. A group that
    /// sets nothing, or scales a penalty that no optimizer has, is an error.
    pub fn group(mut self, group: ParameterGroup) -> Self {
        self.settings.groups.push(group);
        self
    }

    /// Gradient accumulation: the number of steps, each on one micro-batch, that make one update; 1 by default. An
    /// update on `batch_size`·`steps` rows then needs the memory of `batch_size` rows. Steps and reports count
    /// micro-batches; schedules and optimizers count updates. The step that updates takes one more dispatch; the other
    /// steps take no extra one.
    ///
    /// The update equals that of one large batch, except for rounding and for batch normalisation, whose statistics are
    /// those of each micro-batch. A mean is over all samples of the update, even if micro-batches are short, rows are
    /// ignored or classes have weights; a sum is a sum. The last batch of an epoch updates together with the
    /// micro-batches before it, however few they are. Batches passed to [`Trainer::step`] wait until there are enough
    /// of them ([`Trainer::pending_batches`]), across epochs and checkpoints. A step on such a batch is refused if the
    /// batches differ in weight and the terms of the loss have different denominators (the rows, a sum of class
    /// weights, none): the update is then unknown until all batches have arrived.
    ///
    /// A step is one micro-batch. A refused step, for example one with [`NonFinite`](crate::Error::NonFinite), changes
    /// nothing: the gradients and running statistics of the micro-batches before it are kept, and another micro-batch
    /// may take its place. Running statistics are updated by every micro-batch, as in PyTorch.
    pub fn accumulate(mut self, steps: usize) -> Self {
        self.settings.accumulate = steps;
        self
    }

    /// Keeps an exponential moving average of the weights: a = w after the first update, and a ← a + (1 − decay)·(w −
    /// a) after each later one (Polyak and Juditsky 1992; PyTorch's `AveragedModel` with `get_ema_multi_avg_fn`). The
    /// average of constant weights is exactly those weights. [`Trainer::averaged`] returns it. It takes one more
    /// dispatch per step.
    pub fn average(mut self, decay: f64) -> Self {
        self.settings.average = Some(decay);
        self
    }

    /// Adds a phase: successive steps belong to successive phases, in a cycle, each with the next batch. Every phase
    /// has its own optimizer, and the trainer has none. Without phases, every step trains all parameters on all terms
    /// of the loss.
    pub fn phase(mut self, phase: Phase) -> Self {
        self.settings.phases.push(phase);
        self
    }

    /// Checks the settings and builds the trainer.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if a setting is outside its range, or the network has no parameters;
    /// [`Shape`](Error::Shape) if the augmentation's images do not have the size of the network's samples;
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
        self.network.check_dropout(batch_size)?;
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
            let sample = self.network.augmented_shape();
            augmentation.check_sample("augment", &sample.lengths(), sample.elements())?;
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
    /// Starts the settings of a trainer for this network. Call [`build`](TrainerBuilder::build) at the end.
    pub fn builder(network: Network) -> TrainerBuilder {
        TrainerBuilder::new(network)
    }
}
