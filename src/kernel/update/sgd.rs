//! Stochastic gradient descent: w ← w − ηg.

use super::ranges::{check, check_fraction};
use super::{Optimizer, Part, Penalty, StepValues};
use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/update/sgd.wgsl");

/// Stochastic gradient descent, plain or with momentum, as PyTorch's `SGD` has it:
///
/// g ← g + λw; v ← μv + (1 − dampening)·g, but v ← g in the first step; w ← w − ηv,
/// or with Nesterov's momentum w ← w − η(g + μv).
///
/// The learning rate η stays outside the velocity v, so a change of η acts at once. In the
/// [classical](Sgd::classical) form it is inside.
///
/// ```
/// # use wgrad::Sgd;
/// let optimizer = Sgd::new(0.1).momentum(0.9).nesterov(true);
/// # let _: wgrad::Optimizer = optimizer.into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    pub(crate) learning_rate: f64,
    pub(crate) momentum: f64,
    pub(crate) dampening: f64,
    pub(crate) nesterov: bool,
    pub(crate) classical: bool,
    pub(crate) weight_decay: f64,
    pub(crate) l1: f64,
}

impl Sgd {
    /// Plain descent with learning rate η.
    pub fn new(learning_rate: f64) -> Self {
        Sgd {
            learning_rate,
            momentum: 0.0,
            dampening: 0.0,
            nesterov: false,
            classical: false,
            weight_decay: 0.0,
            l1: 0.0,
        }
    }

    /// The momentum μ, 0 by default.
    pub fn momentum(self, momentum: f64) -> Self {
        Sgd { momentum, ..self }
    }

    /// How much of each gradient the velocity leaves out, 0 by default.
    pub fn dampening(self, dampening: f64) -> Self {
        Sgd { dampening, ..self }
    }

    /// Nesterov's form; needs a momentum and no dampening.
    pub fn nesterov(self, nesterov: bool) -> Self {
        Sgd { nesterov, ..self }
    }

    /// The classical form (Polyak 1964; Sutskever et al. 2013): v ← μv − ηg; w ← w + v, or with Nesterov's momentum
    /// w ← w + μv − ηg.
    ///
    /// Each gradient keeps the rate of its own step for good. The same weights as in PyTorch's form while η stays; after a
    /// change of η the past acts at the old rate here, at the new rate there. The moment holds −v, so that one shader
    /// serves both forms.
    pub fn classical(self, classical: bool) -> Self {
        Sgd { classical, ..self }
    }

    /// Rate and two factors of the momentum rule.
    pub(super) fn factors(&self, step: u64, rate: f64) -> [f64; 3] {
        let share = if step == 1 { 1.0 } else { 1.0 - self.dampening };
        if self.classical {
            [1.0, share * rate, rate]
        } else {
            [rate, share, 1.0]
        }
    }

    /// The L2 coefficient λ, 0 by default.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Sgd {
            weight_decay,
            ..self
        }
    }

    /// The L1 coefficient λ, 0 by default: g ← g + λ·sign(w), with sign(0) = 0.
    pub fn l1(self, l1: f64) -> Self {
        Sgd { l1, ..self }
    }

    pub(super) fn check(&self) -> crate::Result<()> {
        check_fraction("the momentum", self.momentum)?;
        if self.nesterov {
            let expected = "above 0 for Nesterov's form";
            check("the momentum", self.momentum, |v| v > 0.0, expected)?;
            let expected = "0 for Nesterov's form";
            check("the dampening", self.dampening, |v| v == 0.0, expected)?;
        }
        check("the dampening", self.dampening, |_| true, "finite in f32")
    }
}

impl From<Sgd> for Optimizer {
    fn from(optimizer: Sgd) -> Self {
        Optimizer::Sgd(optimizer)
    }
}

#[inline(always)]
pub(crate) fn run<T: Real>(part: Part<'_, T>, penalty: Penalty<T>, step: StepValues<T>) -> u32 {
    let mut seen = 0;
    for (w, &g) in part.weights.iter_mut().zip(part.gradients) {
        *w = *w - step.rate * penalty.gradient(g, *w);
        seen |= w.bits();
    }
    seen
}
