//! RAdam.

use super::optimizer::power;
use super::ranges::{check_epsilon, check_fraction};
use super::{Optimizer, Part, Penalty, StepValues};
use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/update/radam.wgsl");

/// RAdam (Liu et al. 2020), as PyTorch's `RAdam`: Adam that takes steps of plain momentum until it knows the gradient's
/// variance. In step t, from 1:
///
/// m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; ρ∞ = 2/(1 − β₂) − 1; ρₜ = ρ∞ − 2tβ₂ᵗ/(1 − β₂ᵗ);
/// where ρₜ > 5, w ← w − η·rₜ·m/(1 − β₁ᵗ)·√(1 − β₂ᵗ)/(√v + ε)
/// with rₜ = √((ρₜ − 4)(ρₜ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρₜ)); else w ← w − η·m/(1 − β₁ᵗ).
///
/// The paper's bound is 4; the authors' code and PyTorch have 5. Weight decay λ is added to the gradient (g + λw), or,
/// [decoupled](RAdam::decoupled), taken from the weights directly (w ← w − ηλw).
///
/// ```
/// # use wgrad::RAdam;
/// # let _: wgrad::Optimizer =
/// RAdam::new(1e-3).betas(0.9, 0.99)
/// # .into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
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
    pub fn new(learning_rate: f64) -> Self {
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

    /// Whether weight decay is AdamW's; off by default.
    pub fn decoupled(self, decoupled: bool) -> Self {
        RAdam { decoupled, ..self }
    }

    /// The L1 coefficient λ: g ← g + λ·sign(w).
    pub fn l1(self, l1: f64) -> Self {
        RAdam { l1, ..self }
    }

    /// The factor of m, and 1 where it is to be divided by √v + ε, else 0.
    pub(super) fn corrections(&self, step: u64, rate: f64) -> [f64; 2] {
        let first = rate / (1.0 - power(self.beta1, step));
        let last = power(self.beta2, step);
        let most = 2.0 / (1.0 - self.beta2) - 1.0;
        let length = most - 2.0 * step as f64 * last / (1.0 - last);
        if length > 5.0 {
            let r =
                ((length - 4.0) * (length - 2.0) * most) / ((most - 4.0) * (most - 2.0) * length);
            [first * r.sqrt() * (1.0 - last).sqrt(), 1.0]
        } else {
            [first, 0.0]
        }
    }

    pub(super) fn check(&self) -> crate::Result<()> {
        check_fraction("RAdam's β₁", self.beta1)?;
        check_fraction("RAdam's β₂", self.beta2)?;
        check_epsilon("RAdam's ε", self.epsilon)
    }
}

impl From<RAdam> for Optimizer {
    fn from(optimizer: RAdam) -> Self {
        Optimizer::RAdam(optimizer)
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
        let mut change = step.first * *m;
        if step.second != T::ZERO {
            change = change / (v.sqrt() + epsilon);
        }
        *w = *w - step.rate * penalty.decoupled * *w - change;
        seen |= w.bits();
    }
    seen
}
