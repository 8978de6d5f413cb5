//! NAdam.

use crate::kernel::base::Real;
use crate::kernel::base::ranges::{check_epsilon, check_fraction, check_not_negative};
use crate::kernel::update::rule::{
    Coefficients, MAX_CONSTANTS, Rule, betas, is_ordinary_epsilon, power,
};
use crate::kernel::update::span::Span;
use crate::kernel::update::values::{Penalty, StepValues};

/// NAdam (Dozat 2016), as PyTorch's `NAdam`: Adam with Nesterov's momentum. In step t, from 1:
///
/// m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; μₜ = β₁(1 − ½·0.96^(tψ)); Πₜ = μ₁·μ₂·…·μₜ;
/// w ← w − η·((1 − μₜ)/(1 − Πₜ)·g + μₜ₊₁/(1 − Πₜ₊₁)·m) / (√(v/(1 − β₂ᵗ)) + ε).
///
/// Weight decay λ is added to the gradient (g + λw), or, [decoupled](NAdam::decoupled), subtracted from the weights
/// directly (w ← w − ηλw).
///
/// ```
/// use wgrad::optim::NAdam;
/// let optimizer = NAdam::new(2e-3).weight_decay(0.01).decoupled(true);
/// # let _: wgrad::Optimizer = optimizer.into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
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
    pub const fn new(learning_rate: f64) -> Self {
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

    /// The rate ψ at which the momentum μ approaches β₁, at least 0.
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

    /// Whether weight decay is decoupled as in AdamW; off by default.
    pub fn decoupled(self, decoupled: bool) -> Self {
        NAdam { decoupled, ..self }
    }

    /// The L1 coefficient λ: g ← g + λ·sign(w).
    pub fn l1(self, l1: f64) -> Self {
        NAdam { l1, ..self }
    }
}

impl Rule for NAdam {
    fn name(&self) -> &'static str {
        "nadam"
    }

    fn coefficients(&self) -> Coefficients {
        Coefficients {
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            decoupled: self.decoupled,
            l1: self.l1,
        }
    }

    fn check(&self) -> crate::Result<()> {
        check_fraction("NAdam's β₁", self.beta1)?;
        check_fraction("NAdam's β₂", self.beta2)?;
        check_not_negative("NAdam's momentum decay", self.momentum_decay)?;
        check_epsilon("NAdam's ε", self.epsilon)
    }

    fn source(&self) -> &'static str {
        include_str!("../../../../shaders/update/nadam.wgsl")
    }

    fn constants(&self) -> [f64; MAX_CONSTANTS] {
        betas(self.beta1, self.beta2, self.epsilon)
    }

    /// First is η(1 − μₜ)/(1 − Πₜ), second ημₜ₊₁/(1 − Πₜ₊₁), third 1/√(1 − β₂ᵗ).
    fn step_values(&self, step: u64, rate: f64) -> [f64; 4] {
        let ratio = libm::pow(0.96, self.momentum_decay);
        let momentum = |power: f64| self.beta1 * (1.0 - 0.5 * power);
        let last = libm::pow(ratio, step as f64);
        let (mu, next) = (momentum(last), momentum(last * ratio));
        // The product is a function of the step alone, so that a resumed run computes the same bits. Every μ is below
        // β₁: once β₁ᵗ is below 2⁻⁶⁴, the product is negligible beside 1. That is soon enough for the loop to be cheap.
        let mut product = 0.0;
        if power(self.beta1, step) > 1.0 / (1u128 << 64) as f64 {
            (product, _) = (1..=step).fold((1.0, 1.0), |(product, power), _| {
                let power = power * ratio;
                (product * momentum(power), power)
            });
        }
        [
            rate,
            rate * (1.0 - mu) / (1.0 - product),
            rate * next / (1.0 - product * next),
            1.0 / (1.0 - power(self.beta2, step)).sqrt(),
        ]
    }

    fn scales_with_rate(&self) -> [bool; 4] {
        [true, true, true, false]
    }

    fn moments(&self) -> usize {
        2
    }

    fn never_negative(&self, moment: usize) -> bool {
        // Moment 0 is the mean of the gradients, which may be negative.
        moment > 0
    }

    /// The step has two terms of at most 2³⁴·2⁵²/ε = 2¹²⁰.
    fn is_ordinary(&self) -> bool {
        is_ordinary_epsilon(self.epsilon)
    }

    fn flops(&self) -> usize {
        19
    }

    #[inline(always)]
    fn update<T: Real>(
        &self,
        span: Span<'_, T>,
        penalty: Penalty<T>,
        constants: [T; MAX_CONSTANTS],
        step: StepValues<T>,
    ) -> u32 {
        let mut seen = 0;
        let [beta1, one_minus_beta1, beta2, one_minus_beta2, epsilon, ..] = constants;
        let [ms, vs, _] = span.moments;
        let elements = span.weights.iter_mut().zip(span.gradients);
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

    #[cfg(test)]
    fn variants() -> Vec<Self> {
        vec![NAdam::new(0.1)]
    }
}
