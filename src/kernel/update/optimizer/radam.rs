//! RAdam.

use crate::kernel::base::Real;
use crate::kernel::base::ranges::{check_epsilon, check_fraction};
use crate::kernel::update::rule::{
    Coefficients, MAX_CONSTANTS, Rule, betas, is_ordinary_epsilon, power,
};
use crate::kernel::update::span::Span;
use crate::kernel::update::values::{Penalty, StepValues};

/// RAdam (Liu et al. 2020), as PyTorch's `RAdam`: Adam that takes plain momentum steps until the estimate of the
/// gradient's variance is reliable. In step t, from 1:
///
/// m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; ρ∞ = 2/(1 − β₂) − 1; ρₜ = ρ∞ − 2tβ₂ᵗ/(1 − β₂ᵗ);
/// where ρₜ > 5, w ← w − η·rₜ·m/(1 − β₁ᵗ)·√(1 − β₂ᵗ)/(√v + ε)
/// with rₜ = √((ρₜ − 4)(ρₜ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρₜ)); else w ← w − η·m/(1 − β₁ᵗ).
///
/// The paper's bound is 4; the authors' code and PyTorch have 5. Weight decay λ is added to the gradient (g + λw), or,
/// [decoupled](RAdam::decoupled), subtracted from the weights directly (w ← w − ηλw).
///
/// ```
/// use wgrad::optim::RAdam;
/// let optimizer = RAdam::new(1e-3).betas(0.9, 0.99);
/// # let _: wgrad::Optimizer = optimizer.into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct RAdam {
    pub(crate) learning_rate: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) epsilon: f64,
    pub(crate) weight_decay: f64,
    pub(crate) decoupled: bool,
    pub(crate) l1: f64,
}

impl RAdam {
    /// RAdam with learning rate η, β₁ = 0.9, β₂ = 0.999, ε = 1e-8 and no penalties.
    pub const fn new(learning_rate: f64) -> Self {
        RAdam {
            learning_rate,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            decoupled: false,
            l1: 0.0,
        }
    }

    /// The decay rates β₁ and β₂ of the two moments, each at least 0 and below 1.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        RAdam {
            beta1,
            beta2,
            ..self
        }
    }

    /// The ε in the denominator.
    pub fn epsilon(self, epsilon: f64) -> Self {
        RAdam { epsilon, ..self }
    }

    /// The coefficient λ of the weight decay.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        RAdam {
            weight_decay,
            ..self
        }
    }

    /// Whether weight decay is decoupled as in AdamW; off by default.
    pub fn decoupled(self, decoupled: bool) -> Self {
        RAdam { decoupled, ..self }
    }

    /// The L1 coefficient λ: g ← g + λ·sign(w).
    pub fn l1(self, l1: f64) -> Self {
        RAdam { l1, ..self }
    }
}

impl Rule for RAdam {
    fn name(&self) -> &'static str {
        "radam"
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
        check_fraction("RAdam's β₁", self.beta1)?;
        check_fraction("RAdam's β₂", self.beta2)?;
        check_epsilon("RAdam's ε", self.epsilon)
    }

    fn source(&self) -> &'static str {
        include_str!("../../../../shaders/update/radam.wgsl")
    }

    fn constants(&self) -> [f64; MAX_CONSTANTS] {
        betas(self.beta1, self.beta2, self.epsilon)
    }

    /// First is the factor of m. Second is 1 if m is divided by √v + ε, else 0.
    fn step_values(&self, step: u64, rate: f64) -> [f64; 4] {
        let first = rate / (1.0 - power(self.beta1, step));
        let last = power(self.beta2, step);
        let most = 2.0 / (1.0 - self.beta2) - 1.0;
        let length = most - 2.0 * step as f64 * last / (1.0 - last);
        if length > 5.0 {
            let r =
                ((length - 4.0) * (length - 2.0) * most) / ((most - 4.0) * (most - 2.0) * length);
            [rate, first * r.sqrt() * (1.0 - last).sqrt(), 1.0, 0.0]
        } else {
            [rate, first, 0.0, 0.0]
        }
    }

    fn scales_with_rate(&self) -> [bool; 4] {
        [true, true, false, false]
    }

    fn moments(&self) -> usize {
        2
    }

    fn never_negative(&self, moment: usize) -> bool {
        // Moment 0 is the mean of the gradients, which may be negative.
        moment > 0
    }

    /// The step is at most 2³⁴·2⁵²/ε = 2¹²⁰, times a factor of at most 1.
    fn is_ordinary(&self) -> bool {
        is_ordinary_epsilon(self.epsilon)
    }

    fn flops(&self) -> usize {
        17
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
            let mut change = step.first * *m;
            if step.second != T::ZERO {
                change = change / (v.sqrt() + epsilon);
            }
            *w = *w - step.rate * penalty.decoupled * *w - change;
            seen |= w.bits();
        }
        seen
    }

    #[cfg(test)]
    fn variants() -> Vec<Self> {
        vec![RAdam::new(0.1)]
    }
}
