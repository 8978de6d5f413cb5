//! AdaGrad.

use super::ranges::{check_epsilon, check_not_negative};
use super::{Optimizer, Part, Penalty, StepValues};
use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/update/adagrad.wgsl");

/// AdaGrad (Duchi et al. 2011), as PyTorch's `Adagrad`: s ← s + g²; w ← w − η′·g/(√s + ε), with
/// η′ = η/(1 + (t − 1)·rate decay) in step t, from 1.
///
/// ```
/// # use wgrad::Adagrad;
/// # let _: wgrad::Optimizer =
/// Adagrad::new(0.01).initial_accumulator(0.1)
/// # .into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adagrad {
    pub(crate) learning_rate: f64,
    pub(crate) rate_decay: f64,
    pub(crate) initial_accumulator: f64,
    pub(crate) epsilon: f64,
    pub(crate) weight_decay: f64,
    pub(crate) l1: f64,
}

impl Adagrad {
    /// AdaGrad with learning rate η, ε = 1e-10, no rate decay, no weight decay, and s from 0.
    pub fn new(learning_rate: f64) -> Self {
        Adagrad {
            learning_rate,
            rate_decay: 0.0,
            initial_accumulator: 0.0,
            epsilon: 1e-10,
            weight_decay: 0.0,
            l1: 0.0,
        }
    }

    /// How fast η shrinks by step.
    pub fn rate_decay(self, rate_decay: f64) -> Self {
        Adagrad { rate_decay, ..self }
    }

    /// What s holds before the first step.
    pub fn initial_accumulator(self, initial_accumulator: f64) -> Self {
        Adagrad {
            initial_accumulator,
            ..self
        }
    }

    /// The ε in the denominator.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Adagrad { epsilon, ..self }
    }

    /// The L2 coefficient λ.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Adagrad {
            weight_decay,
            ..self
        }
    }

    /// The L1 coefficient λ, 0 by default: g ← g + λ·sign(w), with sign(0) = 0.
    pub fn l1(self, l1: f64) -> Self {
        Adagrad { l1, ..self }
    }

    pub(super) fn check(&self) -> crate::Result<()> {
        check_not_negative("AdaGrad's rate decay", self.rate_decay)?;
        check_not_negative("AdaGrad's initial accumulator", self.initial_accumulator)?;
        check_epsilon("AdaGrad's ε", self.epsilon)
    }
}

impl From<Adagrad> for Optimizer {
    fn from(optimizer: Adagrad) -> Self {
        Optimizer::Adagrad(optimizer)
    }
}

#[inline(always)]
pub(crate) fn run<T: Real>(
    part: Part<'_, T>,
    penalty: Penalty<T>,
    [epsilon, ..]: [T; 8],
    step: StepValues<T>,
) -> u32 {
    let mut seen = 0;
    let [sums, ..] = part.moments;
    for ((w, &g), sum) in part.weights.iter_mut().zip(part.gradients).zip(sums) {
        let g = penalty.gradient(g, *w);
        *sum += g * g;
        *w = *w - step.first * g / (sum.sqrt() + epsilon);
        seen |= w.bits() | sum.bits();
    }
    seen
}
