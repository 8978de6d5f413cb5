//! Adadelta.

use crate::kernel::base::Real;
use crate::kernel::base::ranges::{check_epsilon, check_fraction};
use crate::kernel::update::rule::{Coefficients, MAX_CONSTANTS, Rule, is_ordinary_epsilon, pad};
use crate::kernel::update::span::Span;
use crate::kernel::update::values::{Penalty, StepValues};

/// Adadelta (Zeiler 2012), as PyTorch's `Adadelta`: s ← ρs + (1 − ρ)g²; Δ = √(d + ε)/√(s + ε)·g;
/// d ← ρd + (1 − ρ)Δ²; w ← w − ηΔ.
///
/// The length of a step follows that of the previous ones, so η = 1 is usual.
///
/// ```
/// use wgrad::optim::Adadelta;
/// let optimizer = Adadelta::new(1.0).rho(0.95);
/// # let _: wgrad::Optimizer = optimizer.into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Adadelta {
    pub(crate) learning_rate: f64,
    pub(crate) rho: f64,
    pub(crate) epsilon: f64,
    pub(crate) weight_decay: f64,
    pub(crate) l1: f64,
}

impl Adadelta {
    /// Adadelta with learning rate η, ρ = 0.9, ε = 1e-6 and no penalties.
    pub const fn new(learning_rate: f64) -> Self {
        Adadelta {
            learning_rate,
            rho: 0.9,
            epsilon: 1e-6,
            weight_decay: 0.0,
            l1: 0.0,
        }
    }

    /// The decay rate ρ of both running averages, at least 0 and below 1.
    pub fn rho(self, rho: f64) -> Self {
        Adadelta { rho, ..self }
    }

    /// The ε under both roots, which enables the first steps and sets their length.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Adadelta { epsilon, ..self }
    }

    /// The L2 coefficient λ: g ← g + λw.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Adadelta {
            weight_decay,
            ..self
        }
    }

    /// The L1 coefficient λ: g ← g + λ·sign(w).
    pub fn l1(self, l1: f64) -> Self {
        Adadelta { l1, ..self }
    }
}

impl Rule for Adadelta {
    fn name(&self) -> &'static str {
        "adadelta"
    }

    fn coefficients(&self) -> Coefficients {
        Coefficients {
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            decoupled: false,
            l1: self.l1,
        }
    }

    fn check(&self) -> crate::Result<()> {
        check_fraction("Adadelta's ρ", self.rho)?;
        check_epsilon("Adadelta's ε", self.epsilon)
    }

    fn source(&self) -> &'static str {
        include_str!("../../../../shaders/update/adadelta.wgsl")
    }

    fn constants(&self) -> [f64; MAX_CONSTANTS] {
        pad([self.rho, 1.0 - self.rho, self.epsilon])
    }

    fn moments(&self) -> usize {
        2
    }

    fn never_negative(&self, _moment: usize) -> bool {
        true
    }

    fn watched(&self) -> usize {
        2
    }

    /// The mean square of the steps is watched: from 2⁵⁰ it reaches 2⁵² in one update. With √(s + ε) ≤ 2²⁶ and
    /// |g|/√(r + ε) ≤ 1/√(1 − ρ) ≤ 2¹², the step is at most 2¹⁰·2³⁸.
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
        [rho, one_minus_rho, epsilon, ..]: [T; MAX_CONSTANTS],
        step: StepValues<T>,
    ) -> u32 {
        let mut seen = 0;
        let [squares, steps, _] = span.moments;
        let elements = span.weights.iter_mut().zip(span.gradients);
        for (((w, &g), square), mean_step) in elements.zip(squares).zip(steps) {
            let g = penalty.gradient(g, *w);
            *square = rho * *square + one_minus_rho * g * g;
            let delta = (*mean_step + epsilon).sqrt() / (*square + epsilon).sqrt() * g;
            *mean_step = rho * *mean_step + one_minus_rho * delta * delta;
            *w = *w - step.rate * delta;
            seen |= w.bits() | mean_step.bits();
        }
        seen
    }

    #[cfg(test)]
    fn variants() -> Vec<Self> {
        vec![Adadelta::new(0.1)]
    }
}
