//! Adamax.

use crate::kernel::base::Real;
use crate::kernel::base::ranges::{check_epsilon, check_fraction};
use crate::kernel::update::rule::{
    Coefficients, MAX_CONSTANTS, Rule, is_ordinary_epsilon, pad, power,
};
use crate::kernel::update::span::Span;
use crate::kernel::update::values::{Penalty, StepValues};

/// Adamax (Kingma and Ba 2015, section 7.1), as PyTorch's `Adamax`: Adam with a decaying maximum of |g| in the
/// denominator. In step t, from 1:
///
/// m ← β₁m + (1 − β₁)g; u ← max(β₂u, |g| + ε); w ← w − η/(1 − β₁ᵗ)·m/u.
///
/// The paper has no ε. It prevents 0/0 for a weight without gradients.
///
/// ```
/// use wgrad::optim::Adamax;
/// let optimizer = Adamax::new(2e-3).betas(0.9, 0.99);
/// # let _: wgrad::Optimizer = optimizer.into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Adamax {
    pub(crate) learning_rate: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) epsilon: f64,
    pub(crate) weight_decay: f64,
    pub(crate) l1: f64,
}

impl Adamax {
    /// Adamax with learning rate η (0.002 is usual), β₁ = 0.9, β₂ = 0.999, ε = 1e-8 and no penalties.
    pub const fn new(learning_rate: f64) -> Self {
        Adamax {
            learning_rate,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            l1: 0.0,
        }
    }

    /// The decay rates β₁ of the mean and β₂ of the maximum, each at least 0 and below 1.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Adamax {
            beta1,
            beta2,
            ..self
        }
    }

    /// The ε that is added to |g|.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Adamax { epsilon, ..self }
    }

    /// The L2 coefficient λ: g ← g + λw.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Adamax {
            weight_decay,
            ..self
        }
    }

    /// The L1 coefficient λ: g ← g + λ·sign(w).
    pub fn l1(self, l1: f64) -> Self {
        Adamax { l1, ..self }
    }
}

impl Rule for Adamax {
    fn name(&self) -> &'static str {
        "adamax"
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
        check_fraction("Adamax's β₁", self.beta1)?;
        check_fraction("Adamax's β₂", self.beta2)?;
        check_epsilon("Adamax's ε", self.epsilon)
    }

    fn source(&self) -> &'static str {
        include_str!("../../../../shaders/update/adamax.wgsl")
    }

    fn constants(&self) -> [f64; MAX_CONSTANTS] {
        pad([self.beta1, 1.0 - self.beta1, self.beta2, self.epsilon])
    }

    /// First is η/(1 − β₁ᵗ).
    fn step_values(&self, step: u64, rate: f64) -> [f64; 4] {
        let first = rate / (1.0 - power(self.beta1, step));
        [rate, first, 0.0, 0.0]
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

    /// The maximum, like an average of magnitudes, is at most 2⁵², and the step at most 2³⁴·2⁵²/ε = 2¹²⁰.
    fn is_ordinary(&self) -> bool {
        is_ordinary_epsilon(self.epsilon)
    }

    fn flops(&self) -> usize {
        14
    }

    #[inline(always)]
    fn update<T: Real>(
        &self,
        span: Span<'_, T>,
        penalty: Penalty<T>,
        [beta1, one_minus_beta1, beta2, epsilon, ..]: [T; MAX_CONSTANTS],
        step: StepValues<T>,
    ) -> u32 {
        let mut seen = 0;
        let [ms, us, _] = span.moments;
        let elements = span.weights.iter_mut().zip(span.gradients);
        for (((w, &g), m), u) in elements.zip(ms).zip(us) {
            let g = penalty.gradient(g, *w);
            *m = beta1 * *m + one_minus_beta1 * g;
            *u = (beta2 * *u).max(g.abs() + epsilon);
            // The quotient comes first: rate times m may overflow although the step does not.
            *w = *w - step.first * (*m / *u);
            seen |= w.bits();
        }
        seen
    }

    #[cfg(test)]
    fn variants() -> Vec<Self> {
        vec![Adamax::new(0.1)]
    }
}
