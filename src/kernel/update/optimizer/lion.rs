//! Lion.

use crate::kernel::base::Real;
use crate::kernel::base::ranges::check_fraction;
use crate::kernel::update::rule::{Coefficients, MAX_CONSTANTS, Rule, betas};
use crate::kernel::update::span::Span;
use crate::kernel::update::values::{Penalty, StepValues};

/// Lion (Chen et al. 2023): every weight moves by η, independent of the magnitude of its gradient.
///
/// w ← w − η(sign(β₁m + (1 − β₁)g) + λw); m ← β₂m + (1 − β₂)g, where the sign uses the old m, and sign(0) = 0.
///
/// Weight decay λ is always decoupled, as in the paper. PyTorch has no Lion. Typical values: η a third to a tenth of
/// Adam's, λ three to ten times larger.
///
/// ```
/// use wgrad::optim::Lion;
/// let optimizer = Lion::new(1e-4).weight_decay(0.1);
/// # let _: wgrad::Optimizer = optimizer.into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Lion {
    pub(crate) learning_rate: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) weight_decay: f64,
    pub(crate) l1: f64,
}

impl Lion {
    /// Lion with learning rate η, β₁ = 0.9, β₂ = 0.99 and no penalties.
    pub const fn new(learning_rate: f64) -> Self {
        Lion {
            learning_rate,
            beta1: 0.9,
            beta2: 0.99,
            weight_decay: 0.0,
            l1: 0.0,
        }
    }

    /// The weight β₁ of the average in a step's direction, and the decay rate β₂ of the average, each at least 0 and
    /// below 1.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Lion {
            beta1,
            beta2,
            ..self
        }
    }

    /// The coefficient λ of the decoupled weight decay.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Lion {
            weight_decay,
            ..self
        }
    }

    /// The L1 coefficient λ: g ← g + λ·sign(w).
    pub fn l1(self, l1: f64) -> Self {
        Lion { l1, ..self }
    }
}

impl Rule for Lion {
    fn name(&self) -> &'static str {
        "lion"
    }

    fn coefficients(&self) -> Coefficients {
        Coefficients {
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            decoupled: true,
            l1: self.l1,
        }
    }

    fn check(&self) -> crate::Result<()> {
        check_fraction("Lion's β₁", self.beta1)?;
        check_fraction("Lion's β₂", self.beta2)
    }

    fn source(&self) -> &'static str {
        include_str!("../../../../shaders/update/lion.wgsl")
    }

    fn constants(&self) -> [f64; MAX_CONSTANTS] {
        betas(self.beta1, self.beta2, 0.0)
    }

    fn moments(&self) -> usize {
        1
    }

    fn never_negative(&self, _moment: usize) -> bool {
        false
    }

    /// The step is the rate, so with a decay it is at most 2⁶¹.
    fn is_ordinary(&self) -> bool {
        true
    }

    fn flops(&self) -> usize {
        13
    }

    #[inline(always)]
    fn update<T: Real>(
        &self,
        span: Span<'_, T>,
        penalty: Penalty<T>,
        [beta1, one_minus_beta1, beta2, one_minus_beta2, ..]: [T; MAX_CONSTANTS],
        step: StepValues<T>,
    ) -> u32 {
        let mut seen = 0;
        let [ms, ..] = span.moments;
        for ((w, &g), m) in span.weights.iter_mut().zip(span.gradients).zip(ms) {
            let g = penalty.gradient(g, *w);
            let direction = (beta1 * *m + one_minus_beta1 * g).sign();
            *m = beta2 * *m + one_minus_beta2 * g;
            *w = *w - step.rate * (direction + penalty.decoupled * *w);
            seen |= w.bits();
        }
        seen
    }

    #[cfg(test)]
    fn variants() -> Vec<Self> {
        vec![Lion::new(0.1)]
    }
}
