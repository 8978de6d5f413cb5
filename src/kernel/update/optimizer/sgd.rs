//! Stochastic gradient descent: w ← w − ηg.

use crate::kernel::base::Real;
use crate::kernel::base::ranges::{check, check_fraction};
use crate::kernel::update::rule::{Coefficients, MAX_CONSTANTS, Rule, pad};
use crate::kernel::update::span::Span;
use crate::kernel::update::values::{Penalty, StepValues};

/// Stochastic gradient descent, plain or with momentum, as PyTorch's `SGD`:
///
/// g ← g + λw; v ← μv + (1 − dampening)·g, but v ← g in the first step; w ← w − ηv,
/// or with Nesterov's momentum w ← w − η(g + μv).
///
/// The learning rate η is not part of the velocity v, so a change of η takes effect immediately. In the
/// [classical](Sgd::classical) form, η is part of v.
///
/// ```
/// use wgrad::optim::Sgd;
/// let optimizer = Sgd::new(0.1).momentum(0.9).nesterov(true);
/// # let _: wgrad::Optimizer = optimizer.into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
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
    pub const fn new(learning_rate: f64) -> Self {
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

    /// The dampening: the fraction of each gradient that the velocity omits, 0 by default.
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
    /// Each gradient keeps the rate of its own step. The weights equal those of PyTorch's form while η is constant.
    /// After a change of η, past gradients act at the old rate in the classical form, and at the new rate in PyTorch's.
    /// The moment holds −v, so that one shader serves both forms.
    pub fn classical(self, classical: bool) -> Self {
        Sgd { classical, ..self }
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
}

impl Rule for Sgd {
    fn name(&self) -> &'static str {
        if self.momentum == 0.0 {
            "sgd"
        } else {
            "momentum"
        }
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
        check_fraction("the momentum", self.momentum)?;
        if self.nesterov {
            let expected = "above 0 for Nesterov's form";
            check("the momentum", self.momentum, |v| v > 0.0, expected)?;
            let expected = "0 for Nesterov's form";
            check("the dampening", self.dampening, |v| v == 0.0, expected)?;
        }
        check("the dampening", self.dampening, |_| true, "finite in f32")
    }

    fn source(&self) -> &'static str {
        if self.momentum == 0.0 {
            include_str!("../../../../shaders/update/sgd.wgsl")
        } else {
            include_str!("../../../../shaders/update/momentum.wgsl")
        }
    }

    fn flags(&self) -> Vec<(&'static str, u32)> {
        vec![("NESTEROV", u32::from(self.nesterov))]
    }

    fn constants(&self) -> [f64; MAX_CONSTANTS] {
        pad([self.momentum])
    }

    /// Without momentum, only the rate is used. With momentum, first is the factor of g in v, and second the factor of
    /// g in addition to v.
    fn step_values(&self, step: u64, rate: f64) -> [f64; 4] {
        if self.momentum == 0.0 {
            return [rate, 0.0, 0.0, 0.0];
        }
        let share = if step == 1 { 1.0 } else { 1.0 - self.dampening };
        if self.classical {
            [1.0, share * rate, rate, 0.0]
        } else {
            [rate, share, 1.0, 0.0]
        }
    }

    fn scales_with_rate(&self) -> [bool; 4] {
        let inside = self.momentum != 0.0 && self.classical;
        [!inside, inside, inside, false]
    }

    fn moments(&self) -> usize {
        usize::from(self.momentum != 0.0)
    }

    fn never_negative(&self, _moment: usize) -> bool {
        false
    }

    /// The velocity, v ← μv + g, is at most 2¹⁰·2⁵¹·2²⁴ = 2⁸⁵, the step at most 2¹⁰·(2¹⁰·2⁵¹ + 2⁸⁵) < 2⁹⁶.
    fn is_ordinary(&self) -> bool {
        (1.0 - self.dampening).abs() <= 1024.0
    }

    fn flops(&self) -> usize {
        if self.momentum == 0.0 { 4 } else { 7 }
    }

    #[inline(always)]
    fn update<T: Real>(
        &self,
        span: Span<'_, T>,
        penalty: Penalty<T>,
        constants: [T; MAX_CONSTANTS],
        step: StepValues<T>,
    ) -> u32 {
        if self.momentum == 0.0 {
            plain(span, penalty, step)
        } else {
            with_momentum(span, penalty, constants[0], self.nesterov, step)
        }
    }

    #[cfg(test)]
    fn variants() -> Vec<Self> {
        vec![
            Sgd::new(0.1),
            Sgd::new(0.1).momentum(0.9),
            Sgd::new(0.1).momentum(0.9).nesterov(true),
        ]
    }
}

/// w ← w − ηg.
#[inline(always)]
fn plain<T: Real>(span: Span<'_, T>, penalty: Penalty<T>, step: StepValues<T>) -> u32 {
    let mut seen = 0;
    for (w, &g) in span.weights.iter_mut().zip(span.gradients) {
        *w = *w - step.rate * penalty.gradient(g, *w);
        seen |= w.bits();
    }
    seen
}

/// v ← μv + first·g; w ← w − rate·v, or w − rate·(second·g + μv) in Nesterov's form. PyTorch's form has η in the rate,
/// the classical form in the other two.
#[inline(always)]
fn with_momentum<T: Real>(
    span: Span<'_, T>,
    penalty: Penalty<T>,
    momentum: T,
    nesterov: bool,
    step: StepValues<T>,
) -> u32 {
    let mut seen = 0;
    let [velocities, ..] = span.moments;
    for ((w, &g), velocity) in span.weights.iter_mut().zip(span.gradients).zip(velocities) {
        let g = penalty.gradient(g, *w);
        let v = momentum * *velocity + step.first * g;
        *velocity = v;
        *w = *w
            - step.rate
                * if nesterov {
                    step.second * g + momentum * v
                } else {
                    v
                };
        seen |= w.bits();
    }
    seen
}
