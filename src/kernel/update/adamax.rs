//! Adamax.

use super::optimizer::power;
use super::ranges::{check_epsilon, check_fraction};
use super::{Optimizer, Part, Penalty, StepValues};
use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/update/adamax.wgsl");

/// Adamax (Kingma and Ba 2015, section 7.1), as PyTorch's `Adamax`: Adam with the greatest gradient of late in the
/// denominator. In step t, from 1:
///
/// m ← β₁m + (1 − β₁)g; u ← max(β₂u, |g| + ε); w ← w − η/(1 − β₁ᵗ)·m/u.
///
/// The paper has no ε; it keeps a weight without gradients from 0/0.
///
/// ```
/// # use wgrad::Adamax;
/// # let _: wgrad::Optimizer =
/// Adamax::new(2e-3).betas(0.9, 0.99)
/// # .into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
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
    pub fn new(learning_rate: f64) -> Self {
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

    /// The ε beside |g|.
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

    /// η/(1 − β₁ᵗ).
    pub(super) fn correction(&self, step: u64, rate: f64) -> f64 {
        rate / (1.0 - power(self.beta1, step))
    }

    pub(super) fn check(&self) -> crate::Result<()> {
        check_fraction("Adamax's β₁", self.beta1)?;
        check_fraction("Adamax's β₂", self.beta2)?;
        check_epsilon("Adamax's ε", self.epsilon)
    }
}

impl From<Adamax> for Optimizer {
    fn from(optimizer: Adamax) -> Self {
        Optimizer::Adamax(optimizer)
    }
}

#[inline(always)]
pub(crate) fn run<T: Real>(
    part: Part<'_, T>,
    penalty: Penalty<T>,
    [beta1, one_minus_beta1, beta2, epsilon, ..]: [T; 8],
    step: StepValues<T>,
) -> u32 {
    let mut seen = 0;
    let [ms, us, _] = part.moments;
    let elements = part.weights.iter_mut().zip(part.gradients);
    for (((w, &g), m), u) in elements.zip(ms).zip(us) {
        let g = penalty.gradient(g, *w);
        *m = beta1 * *m + one_minus_beta1 * g;
        *u = (beta2 * *u).max(g.abs() + epsilon);
        // The quotient comes first: rate times m may overflow where the step does not.
        *w = *w - step.first * (*m / *u);
        seen |= w.bits();
    }
    seen
}
