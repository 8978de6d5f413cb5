//! Adam and AdamW.

use super::optimizer::power;
use super::ranges::{check_epsilon, check_fraction};
use super::{Optimizer, Part, Penalty, StepValues};
use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/update/adam.wgsl");

/// Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), as PyTorch has them. In step t, from 1:
///
/// m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; w ← w − η·(m/(1 − β₁ᵗ)) / (√(v/(1 − β₂ᵗ)) + ε).
///
/// Weight decay λ is added to the gradient (g + λw) by [`Adam::new`], and taken from the weights directly
/// (w ← w − ηλw) by [`Adam::w`].
///
/// ```
/// # use wgrad::Adam;
/// let adam = Adam::new(1e-3).betas(0.9, 0.99);
/// let adamw = Adam::w(1e-3).weight_decay(0.1);
/// # let _: [wgrad::Optimizer; 2] = [adam.into(), adamw.into()];
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    pub(crate) learning_rate: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) epsilon: f64,
    pub(crate) weight_decay: f64,
    pub(crate) l1: f64,
    pub(crate) decoupled: bool,
    pub(crate) amsgrad: bool,
    pub(crate) bias_correction: bool,
}

impl Adam {
    /// Adam with learning rate η, β₁ = 0.9, β₂ = 0.999, ε = 1e-8 and no weight decay.
    pub fn new(learning_rate: f64) -> Self {
        Adam {
            learning_rate,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            l1: 0.0,
            decoupled: false,
            amsgrad: false,
            bias_correction: true,
        }
    }

    /// AdamW: as [`Adam::new`], with decoupled weight decay, 0.01 by default.
    pub fn w(learning_rate: f64) -> Self {
        Adam {
            weight_decay: 0.01,
            decoupled: true,
            ..Adam::new(learning_rate)
        }
    }

    /// The decay rates β₁ and β₂ of the two moments, each at least 0 and below 1.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Adam {
            beta1,
            beta2,
            ..self
        }
    }

    /// The ε in the denominator.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Adam { epsilon, ..self }
    }

    /// The coefficient λ.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Adam {
            weight_decay,
            ..self
        }
    }

    /// The L1 coefficient λ, 0 by default: g ← g + λ·sign(w), with sign(0) = 0.
    pub fn l1(self, l1: f64) -> Self {
        Adam { l1, ..self }
    }

    /// AMSGrad (Reddi et al. 2018): the greatest v so far stands in the denominator.
    pub fn amsgrad(self, amsgrad: bool) -> Self {
        Adam { amsgrad, ..self }
    }

    /// Whether the moments are divided by 1 − βᵗ, on by default. Without it the rule is w ← w − ηm/(√v + ε), as some
    /// textbooks have it, and the first steps are of another length.
    pub fn bias_correction(self, bias_correction: bool) -> Self {
        Adam {
            bias_correction,
            ..self
        }
    }

    /// η/(1 − β₁ᵗ) and 1/√(1 − β₂ᵗ), or η and 1.
    pub(super) fn corrections(&self, step: u64, rate: f64) -> [f64; 2] {
        if !self.bias_correction {
            return [rate, 1.0];
        }
        [
            rate / (1.0 - power(self.beta1, step)),
            1.0 / (1.0 - power(self.beta2, step)).sqrt(),
        ]
    }

    pub(super) fn check(&self) -> crate::Result<()> {
        check_fraction("Adam's β₁", self.beta1)?;
        check_fraction("Adam's β₂", self.beta2)?;
        check_epsilon("Adam's ε", self.epsilon)
    }
}

impl From<Adam> for Optimizer {
    fn from(optimizer: Adam) -> Self {
        Optimizer::Adam(optimizer)
    }
}

#[inline(always)]
pub(crate) fn run<T: Real>(
    part: Part<'_, T>,
    penalty: Penalty<T>,
    hyper: [T; 8],
    amsgrad: bool,
    step: StepValues<T>,
) -> u32 {
    let mut seen = 0;
    let [beta1, one_minus_beta1, beta2, one_minus_beta2, epsilon, ..] = hyper;
    let [ms, vs, greatest] = part.moments;
    let new_moments = |w: T, g: T, m: &mut T, v: &mut T| {
        let g = penalty.gradient(g, w);
        *m = beta1 * *m + one_minus_beta1 * g;
        *v = beta2 * *v + one_minus_beta2 * g * g;
    };
    let new_weight = |w: T, m: T, v: T| {
        let decayed = w - step.rate * penalty.decoupled * w;
        decayed - step.first * m / (v.sqrt() * step.second + epsilon)
    };
    let elements = part.weights.iter_mut().zip(part.gradients).zip(ms).zip(vs);
    if amsgrad {
        for ((((w, &g), m), v), greatest) in elements.zip(greatest) {
            new_moments(*w, g, m, v);
            *greatest = greatest.max(*v);
            *w = new_weight(*w, *m, *greatest);
            seen |= w.bits();
        }
    } else {
        for (((w, &g), m), v) in elements {
            new_moments(*w, g, m, v);
            *w = new_weight(*w, *m, *v);
            seen |= w.bits();
        }
    }
    seen
}
