//! NAdam.

use super::optimizer::power;
use super::ranges::{check_epsilon, check_fraction, check_not_negative};
use super::{Optimizer, Part, Penalty, StepValues};
use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/update/nadam.wgsl");

/// NAdam (Dozat 2016), as PyTorch's `NAdam`: Adam with Nesterov's momentum. In step t, from 1:
///
/// m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; μₜ = β₁(1 − ½·0.96^(tψ)); Πₜ = μ₁·μ₂·…·μₜ;
/// w ← w − η·((1 − μₜ)/(1 − Πₜ)·g + μₜ₊₁/(1 − Πₜ₊₁)·m) / (√(v/(1 − β₂ᵗ)) + ε).
///
/// Weight decay λ is added to the gradient (g + λw), or, [decoupled](NAdam::decoupled), taken from the weights directly
/// (w ← w − ηλw).
///
/// ```
/// # use wgrad::NAdam;
/// # let _: wgrad::Optimizer =
/// NAdam::new(2e-3).weight_decay(0.01).decoupled(true)
/// # .into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NAdam {
    pub(crate) learning_rate: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) momentum_decay: f64,
    pub(crate) epsilon: f64,
    pub(crate) weight_decay: f64,
    pub(crate) decoupled: bool,
    pub(crate) l1: f64,
}

impl NAdam {
    /// NAdam with learning rate η (0.002 is usual), β₁ = 0.9, β₂ = 0.999, ψ = 0.004, ε = 1e-8 and no penalties.
    pub fn new(learning_rate: f64) -> Self {
        NAdam {
            learning_rate,
            beta1: 0.9,
            beta2: 0.999,
            momentum_decay: 0.004,
            epsilon: 1e-8,
            weight_decay: 0.0,
            decoupled: false,
            l1: 0.0,
        }
    }

    /// The decay rates β₁ and β₂ of the two moments, each at least 0 and below 1.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        NAdam {
            beta1,
            beta2,
            ..self
        }
    }

    /// The ψ by which the momentum μ nears β₁, at least 0.
    pub fn momentum_decay(self, momentum_decay: f64) -> Self {
        NAdam {
            momentum_decay,
            ..self
        }
    }

    /// The ε in the denominator.
    pub fn epsilon(self, epsilon: f64) -> Self {
        NAdam { epsilon, ..self }
    }

    /// The coefficient λ of the weight decay.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        NAdam {
            weight_decay,
            ..self
        }
    }

    /// Whether weight decay is AdamW's; off by default.
    pub fn decoupled(self, decoupled: bool) -> Self {
        NAdam { decoupled, ..self }
    }

    /// The L1 coefficient λ: g ← g + λ·sign(w).
    pub fn l1(self, l1: f64) -> Self {
        NAdam { l1, ..self }
    }

    /// η(1 − μₜ)/(1 − Πₜ), ημₜ₊₁/(1 − Πₜ₊₁) and 1/√(1 − β₂ᵗ).
    pub(super) fn corrections(&self, step: u64, rate: f64) -> [f64; 3] {
        let ratio = libm::pow(0.96, self.momentum_decay);
        let momentum = |power: f64| self.beta1 * (1.0 - 0.5 * power);
        let last = libm::pow(ratio, step as f64);
        let (mu, next) = (momentum(last), momentum(last * ratio));
        // A function of the step alone, so that a resumed run has its bits. Every μ is below β₁: once β₁ᵗ is below 2⁻⁶⁴
        // the product no longer shows beside 1, and that is soon enough for the loop to be cheap.
        let mut product = 0.0;
        if power(self.beta1, step) > 1.0 / (1u128 << 64) as f64 {
            (product, _) = (1..=step).fold((1.0, 1.0), |(product, power), _| {
                let power = power * ratio;
                (product * momentum(power), power)
            });
        }
        [
            rate * (1.0 - mu) / (1.0 - product),
            rate * next / (1.0 - product * next),
            1.0 / (1.0 - power(self.beta2, step)).sqrt(),
        ]
    }

    pub(super) fn check(&self) -> crate::Result<()> {
        check_fraction("NAdam's β₁", self.beta1)?;
        check_fraction("NAdam's β₂", self.beta2)?;
        check_not_negative("NAdam's momentum decay", self.momentum_decay)?;
        check_epsilon("NAdam's ε", self.epsilon)
    }
}

impl From<NAdam> for Optimizer {
    fn from(optimizer: NAdam) -> Self {
        Optimizer::NAdam(optimizer)
    }
}

#[inline(always)]
pub(crate) fn run<T: Real>(
    part: Part<'_, T>,
    penalty: Penalty<T>,
    hyper: [T; 8],
    step: StepValues<T>,
) -> u32 {
    let mut seen = 0;
    let [beta1, one_minus_beta1, beta2, one_minus_beta2, epsilon, ..] = hyper;
    let [ms, vs, _] = part.moments;
    let elements = part.weights.iter_mut().zip(part.gradients);
    for (((w, &g), m), v) in elements.zip(ms).zip(vs) {
        let g = penalty.gradient(g, *w);
        *m = beta1 * *m + one_minus_beta1 * g;
        *v = beta2 * *v + one_minus_beta2 * g * g;
        let decayed = *w - step.rate * penalty.decoupled * *w;
        *w = decayed - (step.first * g + step.second * *m) / (v.sqrt() * step.third + epsilon);
        seen |= w.bits();
    }
    seen
}
