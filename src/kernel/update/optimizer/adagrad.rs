//! AdaGrad.

use crate::kernel::base::Real;
use crate::kernel::base::ranges::{check_epsilon, check_not_negative};
use crate::kernel::update::rule::{Coefficients, MAX_CONSTANTS, Rule, is_ordinary_epsilon, pad};
use crate::kernel::update::span::Span;
use crate::kernel::update::values::{Penalty, StepValues};

/// AdaGrad (Duchi et al. 2011), as PyTorch's `Adagrad`: s ← s + g²; w ← w − η′·g/(√s + ε), with
/// η′ = η/(1 + (t − 1)·rate decay) in step t, from 1.
///
/// ```
/// use wgrad::optim::Adagrad;
/// let optimizer = Adagrad::new(0.01).initial_accumulator(0.1);
/// # let _: wgrad::Optimizer = optimizer.into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Adagrad {
    pub(crate) learning_rate: f64,
    pub(crate) rate_decay: f64,
    pub(crate) initial_accumulator: f64,
    pub(crate) epsilon: f64,
    pub(crate) weight_decay: f64,
    pub(crate) l1: f64,
}

impl Adagrad {
    /// AdaGrad with learning rate η, ε = 1e-10, no rate decay, no weight decay, and s from 0.
    pub const fn new(learning_rate: f64) -> Self {
        Adagrad {
            learning_rate,
            rate_decay: 0.0,
            initial_accumulator: 0.0,
            epsilon: 1e-10,
            weight_decay: 0.0,
            l1: 0.0,
        }
    }

    /// The rate decay: how fast η shrinks with the step.
    pub fn rate_decay(self, rate_decay: f64) -> Self {
        Adagrad { rate_decay, ..self }
    }

    /// Value of s before the first step.
    pub fn initial_accumulator(self, initial_accumulator: f64) -> Self {
        Adagrad {
            initial_accumulator,
            ..self
        }
    }

    /// The ε in the denominator.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Adagrad { epsilon, ..self }
    }

    /// The L2 coefficient λ.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Adagrad {
            weight_decay,
            ..self
        }
    }

    /// The L1 coefficient λ, 0 by default: g ← g + λ·sign(w), with sign(0) = 0.
    pub fn l1(self, l1: f64) -> Self {
        Adagrad { l1, ..self }
    }
}

impl Rule for Adagrad {
    fn name(&self) -> &'static str {
        "adagrad"
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
        check_not_negative("AdaGrad's rate decay", self.rate_decay)?;
        check_not_negative("AdaGrad's initial accumulator", self.initial_accumulator)?;
        check_epsilon("AdaGrad's ε", self.epsilon)
    }

    fn source(&self) -> &'static str {
        include_str!("../../../../shaders/update/adagrad.wgsl")
    }

    fn constants(&self) -> [f64; MAX_CONSTANTS] {
        pad([self.epsilon])
    }

    /// First is η/(1 + (t − 1)·rate decay).
    fn step_values(&self, step: u64, rate: f64) -> [f64; 4] {
        let first = rate / (1.0 + (step - 1) as f64 * self.rate_decay);
        [rate, first, 0.0, 0.0]
    }

    fn scales_with_rate(&self) -> [bool; 4] {
        [true, true, false, false]
    }

    fn moments(&self) -> usize {
        1
    }

    fn initial_moment(&self) -> f64 {
        self.initial_accumulator
    }

    fn never_negative(&self, moment: usize) -> bool {
        moment == 0
    }

    fn watched(&self) -> usize {
        1
    }

    /// The step is at most 2¹⁰·2⁵¹/ε = 2⁹⁵.
    fn is_ordinary(&self) -> bool {
        is_ordinary_epsilon(self.epsilon)
    }

    fn flops(&self) -> usize {
        8
    }

    #[inline(always)]
    fn update<T: Real>(
        &self,
        span: Span<'_, T>,
        penalty: Penalty<T>,
        [epsilon, ..]: [T; MAX_CONSTANTS],
        step: StepValues<T>,
    ) -> u32 {
        let mut seen = 0;
        let [sums, ..] = span.moments;
        for ((w, &g), sum) in span.weights.iter_mut().zip(span.gradients).zip(sums) {
            let g = penalty.gradient(g, *w);
            *sum += g * g;
            *w = *w - step.first * g / (sum.sqrt() + epsilon);
            seen |= w.bits() | sum.bits();
        }
        seen
    }

    #[cfg(test)]
    fn variants() -> Vec<Self> {
        vec![Adagrad::new(0.1)]
    }
}
