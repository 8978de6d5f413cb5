//! Adadelta.

use super::ranges::{check_epsilon, check_fraction};
use super::{Optimizer, Part, Penalty, StepValues};
use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/update/adadelta.wgsl");

/// Adadelta (Zeiler 2012), as PyTorch's `Adadelta`: s ← ρs + (1 − ρ)g²; Δ = √(d + ε)/√(s + ε)·g;
/// d ← ρd + (1 − ρ)Δ²; w ← w − ηΔ.
///
/// The steps are as long as the last ones were, so η = 1 is usual.
///
/// ```
/// # use wgrad::Adadelta;
/// # let _: wgrad::Optimizer =
/// Adadelta::new(1.0).rho(0.95)
/// # .into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adadelta {
    pub(crate) learning_rate: f64,
    pub(crate) rho: f64,
    pub(crate) epsilon: f64,
    pub(crate) weight_decay: f64,
    pub(crate) l1: f64,
}

impl Adadelta {
    /// Adadelta with learning rate η, ρ = 0.9, ε = 1e-6 and no penalties.
    pub fn new(learning_rate: f64) -> Self {
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

    /// The ε under both roots: it makes the first steps possible, and sets their length.
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

    pub(super) fn check(&self) -> crate::Result<()> {
        check_fraction("Adadelta's ρ", self.rho)?;
        check_epsilon("Adadelta's ε", self.epsilon)
    }
}

impl From<Adadelta> for Optimizer {
    fn from(optimizer: Adadelta) -> Self {
        Optimizer::Adadelta(optimizer)
    }
}

#[inline(always)]
pub(crate) fn run<T: Real>(
    part: Part<'_, T>,
    penalty: Penalty<T>,
    [rho, one_minus_rho, epsilon, ..]: [T; 8],
    step: StepValues<T>,
) -> u32 {
    let mut seen = 0;
    let [squares, steps, _] = part.moments;
    let elements = part.weights.iter_mut().zip(part.gradients);
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
