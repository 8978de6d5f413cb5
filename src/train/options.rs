//! What a trainer is told.

use super::Trainer;
use crate::nn::Network;
use crate::{Adam, Error, Optimizer, ReduceOnPlateau, Result, Schedule};

/// What training makes small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// Softmax cross-entropy of the network's output (logits) with one label a sample, averaged over the batch:
    /// L = −1/M·Σᵢ log softmax(zᵢ)\[labelᵢ\] (PyTorch's `CrossEntropyLoss`).
    #[default]
    SoftmaxCrossEntropy,
}

/// Settings of a [`Trainer`], from [`Trainer::new`]; [`build`](TrainerBuilder::build) checks them.
#[derive(Debug)]
pub struct TrainerBuilder {
    pub(super) network: Network,
    pub(super) settings: Settings,
}

/// See [`TrainerBuilder`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    pub(super) loss: Loss,
    pub(super) optimizer: Optimizer,
    pub(super) schedule: Schedule,
    pub(super) plateau: Option<ReduceOnPlateau>,
    pub(super) batch_size: usize,
    pub(super) steps_per_submit: usize,
    pub(super) shuffle: bool,
    pub(super) seed: u64,
    pub(super) gradient_norm: bool,
}

impl TrainerBuilder {
    pub(super) fn new(network: Network) -> Self {
        TrainerBuilder {
            network,
            settings: Settings {
                loss: Loss::default(),
                optimizer: Adam::new(1e-3).into(),
                schedule: Schedule::default(),
                plateau: None,
                batch_size: 64,
                steps_per_submit: 16,
                shuffle: true,
                seed: 0,
                gradient_norm: false,
            },
        }
    }

    /// What to make small; [`Loss::SoftmaxCrossEntropy`] by default.
    pub fn loss(mut self, loss: Loss) -> Self {
        self.settings.loss = loss;
        self
    }

    /// The optimizer; Adam with a learning rate of 0.001 by default.
    pub fn optimizer(mut self, optimizer: impl Into<Optimizer>) -> Self {
        self.settings.optimizer = optimizer.into();
        self
    }

    /// How the learning rate changes by step; not at all by default.
    pub fn schedule(mut self, schedule: impl Into<Schedule>) -> Self {
        self.settings.schedule = schedule.into();
        self
    }

    /// Lowers the learning rate, beside the schedule, when the metrics of [`Trainer::observe`] no longer get better.
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

    /// Most steps that go to a GPU in one submit, 16 by default. The results are the same, bit for bit, whatever the
    /// number. It is lowered where a submit might take so long that the operating system would stop it.
    pub fn steps_per_submit(mut self, steps: usize) -> Self {
        self.settings.steps_per_submit = steps;
        self
    }

    /// Whether every epoch takes the samples in a new random order; on by default.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.settings.shuffle = shuffle;
        self
    }

    /// Seed of the shuffled orders, 0 by default: the order is a function of seed and epoch.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Whether steps report the norm of the gradient, for one more dispatch a step; off by default.
    pub fn gradient_norm(mut self, gradient_norm: bool) -> Self {
        self.settings.gradient_norm = gradient_norm;
        self
    }

    /// Checks the settings and makes the trainer.
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if a setting is outside its range, or the network has no parameters.
    pub fn build(self) -> Result<Trainer> {
        let Settings {
            batch_size,
            steps_per_submit,
            ..
        } = self.settings;
        self.settings.optimizer.check()?;
        self.settings.schedule.check()?;
        if batch_size == 0 {
            return Err(Error::argument("the batch size", "at least 1", 0));
        }
        if steps_per_submit == 0 {
            return Err(Error::argument("the steps per submit", "at least 1", 0));
        }
        self.network.check_batch_size(batch_size)?;
        if !self.network.depends_on_parameters() {
            let expected = "at least one that its output depends on";
            return Err(Error::argument(
                "the parameters of a network to train",
                expected,
                "none",
            ));
        }
        Trainer::from_settings(self.network, self.settings)
    }
}
