//! The optimizers as one type: what the update kernel and the trainer ask of each.

use super::ranges::check_not_negative;
use super::{
    Adadelta, Adagrad, Adam, Adamax, Lion, NAdam, Part, Penalty, RAdam, RmsProp, Sgd, StepValues,
    adadelta, adagrad, adam, adamax, lion, momentum, nadam, radam, rms_prop, sgd,
};
use crate::kernel::guard::{BOUND, greatest};
use crate::kernel::simd::{self, Vectorized};
use crate::kernel::{Factors, Real};
use std::sync::atomic::{AtomicBool, Ordering};

/// Any optimizer, with its hyperparameters. Made from [`Sgd`], [`Adam`] and the others by `into()`.
///
/// Each adds the penalties to the gradient g first: λ₂w for L2 (`weight_decay`, but where it is decoupled) and
/// λ₁·sign(w), sign(0) = 0, for L1 (`l1`): gradient descent on L + ½λ₂‖w‖² + λ₁Σ|w|. Both reach every parameter, biases
/// too.
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
    /// Adadelta.
    Adadelta(Adadelta),
    /// Adamax.
    Adamax(Adamax),
    /// NAdam.
    NAdam(NAdam),
    /// RAdam.
    RAdam(RAdam),
    /// Lion.
    Lion(Lion),
}

impl Optimizer {
    /// The base learning rate, which a schedule scales.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Optimizer::Sgd(o) => o.learning_rate,
            Optimizer::Adam(o) => o.learning_rate,
            Optimizer::Adagrad(o) => o.learning_rate,
            Optimizer::RmsProp(o) => o.learning_rate,
            Optimizer::Adadelta(o) => o.learning_rate,
            Optimizer::Adamax(o) => o.learning_rate,
            Optimizer::NAdam(o) => o.learning_rate,
            Optimizer::RAdam(o) => o.learning_rate,
            Optimizer::Lion(o) => o.learning_rate,
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
            Optimizer::Adadelta(_) => "adadelta",
            Optimizer::Adamax(_) => "adamax",
            Optimizer::NAdam(_) => "nadam",
            Optimizer::RAdam(_) => "radam",
            Optimizer::Lion(_) => "lion",
        }
    }

    /// Running averages kept per parameter.
    pub(crate) fn moments(&self) -> usize {
        match self {
            Optimizer::Sgd(o) => usize::from(o.momentum != 0.0),
            Optimizer::Adam(o) => 2 + usize::from(o.amsgrad),
            Optimizer::Adagrad(_) | Optimizer::Lion(_) => 1,
            Optimizer::Adadelta(_)
            | Optimizer::Adamax(_)
            | Optimizer::NAdam(_)
            | Optimizer::RAdam(_) => 2,
            Optimizer::RmsProp(o) => 1 + usize::from(o.centered) + usize::from(o.momentum != 0.0),
        }
    }

    /// Whether a moment is a mean, sum or maximum of squares or sizes, so that none of its values is below 0.
    pub(crate) fn never_negative(&self, moment: usize) -> bool {
        match self {
            Optimizer::Sgd(_) | Optimizer::Lion(_) => false,
            // The mean of the gradients is first.
            Optimizer::Adam(_)
            | Optimizer::Adamax(_)
            | Optimizer::NAdam(_)
            | Optimizer::RAdam(_) => moment > 0,
            // The mean of the squares is first.
            Optimizer::Adagrad(_) | Optimizer::RmsProp(_) => moment == 0,
            Optimizer::Adadelta(_) => true,
        }
    }

    /// What the moments hold before the first step.
    pub(crate) fn initial_moment(&self) -> f32 {
        match self {
            Optimizer::Adagrad(o) => o.initial_accumulator as f32,
            _ => 0.0,
        }
    }

    /// The coefficients of all penalties.
    pub(crate) fn penalty(&self) -> Penalty<f32> {
        let (decay, decoupled) = self.weight_decay();
        let decay = decay as f32;
        let (l2, decoupled) = if decoupled {
            (0.0, decay)
        } else {
            (decay, 0.0)
        };
        Penalty {
            l2,
            l1: self.l1() as f32,
            decoupled,
        }
    }

    /// Coefficient of the weight decay, and whether it is decoupled.
    pub(crate) fn weight_decay(&self) -> (f64, bool) {
        match self {
            Optimizer::Sgd(o) => (o.weight_decay, false),
            Optimizer::Adam(o) => (o.weight_decay, o.decoupled),
            Optimizer::Adagrad(o) => (o.weight_decay, false),
            Optimizer::RmsProp(o) => (o.weight_decay, false),
            Optimizer::Adadelta(o) => (o.weight_decay, false),
            Optimizer::Adamax(o) => (o.weight_decay, false),
            Optimizer::NAdam(o) => (o.weight_decay, o.decoupled),
            Optimizer::RAdam(o) => (o.weight_decay, o.decoupled),
            Optimizer::Lion(o) => (o.weight_decay, true),
        }
    }

    /// Coefficient of the L1 penalty.
    pub(crate) fn l1(&self) -> f64 {
        match self {
            Optimizer::Sgd(o) => o.l1,
            Optimizer::Adam(o) => o.l1,
            Optimizer::Adagrad(o) => o.l1,
            Optimizer::RmsProp(o) => o.l1,
            Optimizer::Adadelta(o) => o.l1,
            Optimizer::Adamax(o) => o.l1,
            Optimizer::NAdam(o) => o.l1,
            Optimizer::RAdam(o) => o.l1,
            Optimizer::Lion(o) => o.l1,
        }
    }

    /// The rule's constants, in the order its shader names.
    pub(crate) fn hyper(&self) -> [f32; 8] {
        let mut hyper = [0.0; 8];
        let adam = |beta1: f64, beta2: f64, epsilon: f64| {
            [beta1, 1.0 - beta1, beta2, 1.0 - beta2, epsilon]
        };
        let values: &[f64] = match self {
            Optimizer::Sgd(o) => &[o.momentum],
            Optimizer::Adam(o) => &adam(o.beta1, o.beta2, o.epsilon),
            Optimizer::NAdam(o) => &adam(o.beta1, o.beta2, o.epsilon),
            Optimizer::RAdam(o) => &adam(o.beta1, o.beta2, o.epsilon),
            Optimizer::Lion(o) => &adam(o.beta1, o.beta2, 0.0),
            Optimizer::Adadelta(o) => &[o.rho, 1.0 - o.rho, o.epsilon],
            Optimizer::Adamax(o) => &[o.beta1, 1.0 - o.beta1, o.beta2, o.epsilon],
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
            Optimizer::RmsProp(o) => vec![
                ("CENTERED", u32::from(o.centered)),
                ("MOMENTUM", u32::from(o.momentum != 0.0)),
            ],
            Optimizer::Adagrad(_)
            | Optimizer::Adadelta(_)
            | Optimizer::Adamax(_)
            | Optimizer::NAdam(_)
            | Optimizer::RAdam(_)
            | Optimizer::Lion(_) => vec![],
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
            Optimizer::Adadelta(_) => adadelta::SOURCE,
            Optimizer::Adamax(_) => adamax::SOURCE,
            Optimizer::NAdam(_) => nadam::SOURCE,
            Optimizer::RAdam(_) => radam::SOURCE,
            Optimizer::Lion(_) => lion::SOURCE,
        }
    }

    /// The moment (1 or 2; 0 for none) that may grow from step to step, and so is watched for its size as the weights are.
    pub(crate) fn watched(&self) -> usize {
        match self {
            Optimizer::Adagrad(_) => 1,
            Optimizer::Adadelta(_) => 2,
            _ => 0,
        }
    }

    /// Whether an update from bounded values is finite at this learning rate, with factors of the coefficients of at most
    /// these: the ranges that the bounds in [`super`] are derived from.
    pub(crate) fn is_ordinary(&self, rate: f64, factors: Factors) -> bool {
        let epsilon = match self {
            Optimizer::Sgd(_) | Optimizer::Lion(_) => 1.0,
            Optimizer::Adam(o) => o.epsilon,
            Optimizer::Adagrad(o) => o.epsilon,
            Optimizer::RmsProp(o) => o.epsilon,
            Optimizer::Adadelta(o) => o.epsilon,
            Optimizer::Adamax(o) => o.epsilon,
            Optimizer::NAdam(o) => o.epsilon,
            Optimizer::RAdam(o) => o.epsilon,
        };
        let dampening = match self {
            Optimizer::Sgd(o) => o.dampening,
            _ => 0.0,
        };
        let (decay, decoupled) = self.weight_decay();
        let decay = decay
            * if decoupled {
                factors.decoupled
            } else {
                factors.l2
            };
        rate * factors.rate <= 1024.0
            && decay <= 1.0
            && self.l1() * factors.l1 <= 1.0
            && epsilon >= 1.0 / (1u64 << 34) as f64
            && (1.0 - dampening).abs() <= 1024.0
    }

    /// Floating-point operations per parameter, about.
    pub(crate) fn flops(&self) -> usize {
        match self {
            Optimizer::Sgd(o) if o.momentum == 0.0 => 4,
            Optimizer::Sgd(_) => 7,
            Optimizer::Adam(_) => 17,
            Optimizer::Adagrad(_) => 8,
            Optimizer::RmsProp(_) | Optimizer::Adamax(_) => 14,
            Optimizer::Adadelta(_) => 19,
            Optimizer::NAdam(_) => 19,
            Optimizer::RAdam(_) => 17,
            Optimizer::Lion(_) => 13,
        }
    }

    /// Which of rate, first, second and third are proportional to the learning rate: what a group's factor scales.
    pub(crate) fn scales_with_rate(&self) -> [bool; 4] {
        match self {
            Optimizer::Sgd(o) if o.momentum != 0.0 && o.classical => [false, true, true, false],
            Optimizer::Sgd(_)
            | Optimizer::RmsProp(_)
            | Optimizer::Adadelta(_)
            | Optimizer::Lion(_) => [true, false, false, false],
            Optimizer::Adam(_)
            | Optimizer::Adagrad(_)
            | Optimizer::Adamax(_)
            | Optimizer::RAdam(_) => [true, true, false, false],
            Optimizer::NAdam(_) => [true, true, true, false],
        }
    }

    /// What the rule takes from the step table in step `step` (from 1) at learning rate `rate`, computed in `f64`.
    pub(crate) fn step_values(&self, step: u64, rate: f64) -> StepValues<f32> {
        let [rate, first, second, third] = match self {
            // Without momentum the rule is plain, and knows only the rate.
            Optimizer::Sgd(o) if o.momentum == 0.0 => [rate, 0.0, 0.0, 0.0],
            Optimizer::Sgd(o) => {
                let [rate, first, second] = o.factors(step, rate);
                [rate, first, second, 0.0]
            }
            Optimizer::Adam(o) => {
                let [first, second] = o.corrections(step, rate);
                [rate, first, second, 0.0]
            }
            Optimizer::Adagrad(o) => {
                let first = rate / (1.0 + (step - 1) as f64 * o.rate_decay);
                [rate, first, 0.0, 0.0]
            }
            Optimizer::Adamax(o) => [rate, o.correction(step, rate), 0.0, 0.0],
            Optimizer::NAdam(o) => {
                let [first, second, third] = o.corrections(step, rate);
                [rate, first, second, third]
            }
            Optimizer::RAdam(o) => {
                let [first, second] = o.corrections(step, rate);
                [rate, first, second, 0.0]
            }
            Optimizer::RmsProp(_) | Optimizer::Adadelta(_) | Optimizer::Lion(_) => {
                [rate, 0.0, 0.0, 0.0]
            }
        };
        StepValues {
            rate: rate as f32,
            first: first as f32,
            second: second as f32,
            third: third as f32,
        }
    }

    /// The CPU twin of the rule over one stretch of the arena. `care` is set if it wrote what is out of bounds.
    pub(super) fn update<T: Real>(
        &self,
        part: Part<'_, T>,
        penalty: Penalty<T>,
        step: StepValues<T>,
        care: &AtomicBool,
    ) {
        simd::vectorized(Rule {
            optimizer: self,
            part,
            penalty,
            step,
            care,
        });
    }

    /// Refuses hyperparameters outside their ranges.
    pub(crate) fn check(&self) -> crate::Result<()> {
        check_not_negative("the learning rate", self.learning_rate())?;
        check_not_negative("the weight decay", self.weight_decay().0)?;
        check_not_negative("the L1 coefficient", self.l1())?;
        match self {
            Optimizer::Sgd(o) => o.check(),
            Optimizer::Adam(o) => o.check(),
            Optimizer::Adagrad(o) => o.check(),
            Optimizer::RmsProp(o) => o.check(),
            Optimizer::Adadelta(o) => o.check(),
            Optimizer::Adamax(o) => o.check(),
            Optimizer::NAdam(o) => o.check(),
            Optimizer::RAdam(o) => o.check(),
            Optimizer::Lion(o) => o.check(),
        }
    }
}

/// βᵗ.
pub(super) fn power(beta: f64, step: u64) -> f64 {
    // libm, so that every platform rounds alike.
    libm::pow(beta, step as f64)
}

/// A rule over one stretch of the arena.
struct Rule<'a, T> {
    optimizer: &'a Optimizer,
    part: Part<'a, T>,
    penalty: Penalty<T>,
    step: StepValues<T>,
    care: &'a AtomicBool,
}

impl<T: Real> Vectorized for Rule<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Rule {
            optimizer,
            part: mut all,
            penalty,
            step,
            care,
        } = self;
        let part = all.reborrow();
        let hyper = optimizer.hyper().map(|h| T::of(h.into()));
        // The bits of all values that are watched, one over the other.
        let seen = match optimizer {
            Optimizer::Sgd(o) if o.momentum == 0.0 => sgd::run(part, penalty, step),
            Optimizer::Sgd(o) => momentum::run(part, penalty, hyper, o.nesterov, step),
            Optimizer::Adam(o) => adam::run(part, penalty, hyper, o.amsgrad, step),
            Optimizer::Adagrad(_) => adagrad::run(part, penalty, hyper, step),
            Optimizer::RmsProp(o) => {
                rms_prop::run(part, penalty, hyper, o.centered, o.momentum != 0.0, step)
            }
            Optimizer::Adadelta(_) => adadelta::run(part, penalty, hyper, step),
            Optimizer::Adamax(_) => adamax::run(part, penalty, hyper, step),
            Optimizer::NAdam(_) => nadam::run(part, penalty, hyper, step),
            Optimizer::RAdam(_) => radam::run(part, penalty, hyper, step),
            Optimizer::Lion(_) => lion::run(part, penalty, hyper, step),
        };
        // Most often all are below 2, and this bit of their exponents says so.
        if seen & (1 << 30) != 0 {
            let mut most = greatest(all.weights);
            if let Some(watched) = optimizer.watched().checked_sub(1) {
                most = most.max(greatest(all.moments[watched]));
            }
            if most > BOUND {
                care.store(true, Ordering::Relaxed);
            }
        }
    }
}
