//! Choices of the command line, by name.

use clap::ValueEnum;
use wgrad::{
    Activation, Adadelta, Adagrad, Adam, AdamW, Adamax, Init, Lion, NAdam, OneCycle, Optimizer,
    RAdam, RmsProp, Schedule, Sgd,
};

/// Kinds of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    Auto,
    Gpu,
    Software,
    Cpu,
}

/// Optimizers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rule {
    Sgd,
    Momentum,
    Nesterov,
    Adagrad,
    Rmsprop,
    Adadelta,
    Adam,
    Adamw,
    Amsgrad,
    Adamax,
    Nadam,
    Radam,
    Lion,
}

impl Rule {
    /// The optimizer; the weight decay is decoupled where the rule has that form.
    pub(crate) fn optimizer(self, rate: f64, decay: f64) -> Optimizer {
        match self {
            Rule::Sgd => Sgd::new(rate).weight_decay(decay).into(),
            Rule::Momentum => Sgd::new(rate).momentum(0.9).weight_decay(decay).into(),
            Rule::Nesterov => {
                let momentum = Sgd::new(rate).momentum(0.9).nesterov(true);
                momentum.weight_decay(decay).into()
            }
            Rule::Adagrad => Adagrad::new(rate).weight_decay(decay).into(),
            Rule::Rmsprop => RmsProp::new(rate).weight_decay(decay).into(),
            Rule::Adadelta => Adadelta::new(rate).weight_decay(decay).into(),
            Rule::Adam => Adam::new(rate).weight_decay(decay).into(),
            Rule::Adamw => AdamW::new(rate).weight_decay(decay).into(),
            Rule::Amsgrad => AdamW::new(rate).amsgrad(true).weight_decay(decay).into(),
            Rule::Adamax => Adamax::new(rate).weight_decay(decay).into(),
            Rule::Nadam => NAdam::new(rate).weight_decay(decay).into(),
            Rule::Radam => RAdam::new(rate).weight_decay(decay).into(),
            Rule::Lion => Lion::new(rate).weight_decay(decay).into(),
        }
    }
}

/// Schedules over the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Course {
    Constant,
    /// A tenth after half of the steps, a hundredth after three quarters
    Step,
    Exponential,
    Linear,
    Cosine,
    OneCycle,
}

impl Course {
    pub(crate) fn schedule(self, steps: u64) -> Schedule {
        let steps = steps.max(2);
        match self {
            Course::Constant => Schedule::Constant,
            Course::Step => Schedule::MultiStep {
                milestones: vec![steps / 2, steps * 3 / 4],
                factor: 0.1,
            },
            // To a hundredth.
            Course::Exponential => Schedule::Exponential {
                factor: 0.01f64.powf(1.0 / steps as f64),
            },
            Course::Linear => Schedule::Linear {
                start: 1.0,
                end: 0.0,
                steps,
            },
            Course::Cosine => Schedule::Cosine { steps, floor: 0.0 },
            Course::OneCycle => OneCycle::new(steps).into(),
        }
    }
}

/// The activation of this name.
pub(crate) fn activation(name: &str) -> Result<Activation, String> {
    let known = || Activation::ALL.into_iter().map(Activation::name);
    let found = Activation::ALL.into_iter().find(|f| f.name() == name);
    found.ok_or_else(|| format!("one of {}", known().collect::<Vec<_>>().join(", ")))
}

/// Initialisations of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Start {
    XavierNormal,
    XavierUniform,
    KaimingNormal,
    KaimingUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    /// Normal with deviation 0.01
    Small,
}

impl Start {
    pub(crate) fn init(self) -> Init {
        match self {
            Start::XavierNormal => Init::XavierNormal,
            Start::XavierUniform => Init::XavierUniform,
            Start::KaimingNormal => Init::KaimingNormal,
            Start::KaimingUniform => Init::KaimingUniform,
            Start::LecunNormal => Init::LecunNormal,
            Start::LecunUniform => Init::LecunUniform,
            Start::Orthogonal => Init::Orthogonal { gain: 1.0 },
            Start::Small => Init::Normal {
                mean: 0.0,
                std: 0.01,
            },
        }
    }
}
