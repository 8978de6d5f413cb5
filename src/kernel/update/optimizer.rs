//! The optimizers as one type: what the update kernel and the trainer ask of each.

use super::{
    Adagrad, Adam, Part, RmsProp, Sgd, StepValues, adagrad, adam, momentum, rms_prop, sgd,
};
use crate::kernel::Real;

/// Any optimizer, with its hyperparameters. Made from [`Sgd`], [`Adam`], [`Adagrad`] or [`RmsProp`] by `into()`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Optimizer {
    /// Stochastic gradient descent, with or without momentum.
    Sgd(Sgd),
    /// Adam and AdamW.
    Adam(Adam),
    /// AdaGrad.
    Adagrad(Adagrad),
    /// RMSprop.
    RmsProp(RmsProp),
}

impl Optimizer {
    /// The base learning rate, which a schedule scales.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Optimizer::Sgd(o) => o.learning_rate,
            Optimizer::Adam(o) => o.learning_rate,
            Optimizer::Adagrad(o) => o.learning_rate,
            Optimizer::RmsProp(o) => o.learning_rate,
        }
    }

    /// The name, also of the two files of its rule.
    pub fn name(&self) -> &'static str {
        match self {
            Optimizer::Sgd(o) if o.momentum == 0.0 => "sgd",
            Optimizer::Sgd(_) => "momentum",
            Optimizer::Adam(_) => "adam",
            Optimizer::Adagrad(_) => "adagrad",
            Optimizer::RmsProp(_) => "rms_prop",
        }
    }

    /// Running averages kept per parameter.
    pub(crate) fn moments(&self) -> usize {
        match self {
            Optimizer::Sgd(o) => usize::from(o.momentum != 0.0),
            Optimizer::Adam(o) => 2 + usize::from(o.amsgrad),
            Optimizer::Adagrad(_) => 1,
            Optimizer::RmsProp(o) => 1 + usize::from(o.centered) + usize::from(o.momentum != 0.0),
        }
    }

    /// What the moments hold before the first step.
    pub(crate) fn initial_moment(&self) -> f32 {
        match self {
            Optimizer::Adagrad(o) => o.initial_accumulator as f32,
            _ => 0.0,
        }
    }

    /// Coefficient of the L2 penalty that is added to the gradient.
    pub(crate) fn l2(&self) -> f32 {
        match self {
            Optimizer::Sgd(o) => o.weight_decay as f32,
            Optimizer::Adam(o) if o.decoupled => 0.0,
            Optimizer::Adam(o) => o.weight_decay as f32,
            Optimizer::Adagrad(o) => o.weight_decay as f32,
            Optimizer::RmsProp(o) => o.weight_decay as f32,
        }
    }

    /// The rule's constants, in the order its shader names.
    pub(crate) fn hyper(&self) -> [f32; 8] {
        let mut hyper = [0.0; 8];
        let values: &[f64] = match self {
            Optimizer::Sgd(o) => &[o.momentum],
            Optimizer::Adam(o) => &[
                o.beta1,
                1.0 - o.beta1,
                o.beta2,
                1.0 - o.beta2,
                o.epsilon,
                if o.decoupled { o.weight_decay } else { 0.0 },
            ],
            Optimizer::Adagrad(o) => &[o.epsilon],
            Optimizer::RmsProp(o) => &[o.alpha, 1.0 - o.alpha, o.epsilon, o.momentum],
        };
        for (to, &from) in hyper.iter_mut().zip(values) {
            *to = from as f32;
        }
        hyper
    }

    /// `const` lines of the shader.
    pub(crate) fn constants(&self) -> Vec<(&'static str, u32)> {
        match self {
            Optimizer::Sgd(o) => vec![("NESTEROV", u32::from(o.nesterov))],
            Optimizer::Adam(o) => vec![("AMSGRAD", u32::from(o.amsgrad))],
            Optimizer::Adagrad(_) => vec![],
            Optimizer::RmsProp(o) => vec![
                ("CENTERED", u32::from(o.centered)),
                ("MOMENTUM", u32::from(o.momentum != 0.0)),
            ],
        }
    }

    /// WGSL text of the rule.
    pub(crate) fn source(&self) -> &'static str {
        match self {
            Optimizer::Sgd(o) if o.momentum == 0.0 => sgd::SOURCE,
            Optimizer::Sgd(_) => momentum::SOURCE,
            Optimizer::Adam(_) => adam::SOURCE,
            Optimizer::Adagrad(_) => adagrad::SOURCE,
            Optimizer::RmsProp(_) => rms_prop::SOURCE,
        }
    }

    /// Floating-point operations per parameter, about.
    pub(crate) fn flops(&self) -> usize {
        match self {
            Optimizer::Sgd(o) if o.momentum == 0.0 => 4,
            Optimizer::Sgd(_) => 7,
            Optimizer::Adam(_) => 17,
            Optimizer::Adagrad(_) => 8,
            Optimizer::RmsProp(_) => 14,
        }
    }

    /// What the rule takes from the step table in step `step` (from 1) at learning rate `rate`, computed in `f64`.
    pub(crate) fn step_values(&self, step: u64, rate: f64) -> StepValues<f32> {
        let (first, second) = match self {
            Optimizer::Sgd(o) => (if step == 1 { 1.0 } else { 1.0 - o.dampening }, 0.0),
            Optimizer::Adam(o) => o.corrections(step, rate),
            Optimizer::Adagrad(o) => (rate / (1.0 + (step - 1) as f64 * o.rate_decay), 0.0),
            Optimizer::RmsProp(_) => (0.0, 0.0),
        };
        StepValues {
            rate: rate as f32,
            first: first as f32,
            second: second as f32,
        }
    }

    /// The CPU twin of the rule over one stretch of the arena.
    pub(crate) fn update<T: Real>(&self, part: Part<'_, T>, step: StepValues<T>) {
        let l2 = T::of(self.l2().into());
        let hyper = self.hyper().map(|h| T::of(h.into()));
        match self {
            Optimizer::Sgd(o) if o.momentum == 0.0 => sgd::run(part, l2, step),
            Optimizer::Sgd(o) => momentum::run(part, l2, hyper, o.nesterov, step),
            Optimizer::Adam(o) => adam::run(part, l2, hyper, o.amsgrad, step),
            Optimizer::Adagrad(_) => adagrad::run(part, l2, hyper, step),
            Optimizer::RmsProp(o) => {
                rms_prop::run(part, l2, hyper, o.centered, o.momentum != 0.0, step)
            }
        }
    }

    /// Refuses hyperparameters outside their ranges.
    pub(crate) fn check(&self) -> crate::Result<()> {
        check_not_negative("the learning rate", self.learning_rate())?;
        check_not_negative("the weight decay", self.l2().into())?;
        match self {
            Optimizer::Sgd(o) => o.check(),
            Optimizer::Adam(o) => o.check(),
            Optimizer::Adagrad(o) => o.check(),
            Optimizer::RmsProp(o) => o.check(),
        }
    }
}

/// An [`Error::Argument`](crate::Error::Argument) unless `legal` holds of the value as the device will see it, in `f32`,
/// and it is finite there.
pub(super) fn check(
    what: &'static str,
    value: f64,
    legal: impl Fn(f32) -> bool,
    expected: &str,
) -> crate::Result<()> {
    if (value as f32).is_finite() && legal(value as f32) {
        Ok(())
    } else {
        Err(crate::Error::argument(what, expected, value))
    }
}

/// [`check`] for an ε: a subnormal may count as 0, and 0/0 is NaN where the gradient is 0.
pub(super) fn check_epsilon(what: &'static str, value: f64) -> crate::Result<()> {
    check(
        what,
        value,
        |v| v >= f32::MIN_POSITIVE,
        "at least 1.2e-38, the least normal f32",
    )
}

/// [`check`] for a rate, a decay or a sum.
pub(super) fn check_not_negative(what: &'static str, value: f64) -> crate::Result<()> {
    check(what, value, |v| v >= 0.0, "finite in f32 and at least 0")
}

/// [`check`] for a factor of a running average.
pub(super) fn check_fraction(what: &'static str, value: f64) -> crate::Result<()> {
    check(
        what,
        value,
        |v| (0.0..1.0).contains(&v),
        "at least 0 and, in f32, below 1",
    )
}
