//! RMSprop.

use crate::kernel::base::Real;
use crate::kernel::base::ranges::{check_epsilon, check_fraction};
use crate::kernel::update::rule::{Coefficients, MAX_CONSTANTS, Rule, is_ordinary_epsilon, pad};
use crate::kernel::update::span::Span;
use crate::kernel::update::values::{Penalty, StepValues};

/// RMSprop (Tieleman and Hinton 2012), as PyTorch's `RMSprop`: s ← αs + (1 − α)g²; u = g/(√s + ε); w ← w − ηu.
///
/// With momentum μ: v ← μv + u; w ← w − ηv. Centred: ḡ ← αḡ + (1 − α)g, and the root is taken of s − ḡ².
///
/// ```
/// use wgrad::optim::RmsProp;
/// let optimizer = RmsProp::new(0.01).alpha(0.9).centered(true);
/// # let _: wgrad::Optimizer = optimizer.into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct RmsProp {
    pub(crate) learning_rate: f64,
    pub(crate) alpha: f64,
    pub(crate) epsilon: f64,
    pub(crate) momentum: f64,
    pub(crate) centered: bool,
    pub(crate) weight_decay: f64,
    pub(crate) l1: f64,
}

impl RmsProp {
    /// RMSprop with learning rate η, α = 0.99, ε = 1e-8, without momentum, centring or weight decay.
    pub const fn new(learning_rate: f64) -> Self {
        RmsProp {
            learning_rate,
            alpha: 0.99,
            epsilon: 1e-8,
            momentum: 0.0,
            centered: false,
            weight_decay: 0.0,
            l1: 0.0,
        }
    }

    /// The decay rate α of the running averages.
    pub fn alpha(self, alpha: f64) -> Self {
        RmsProp { alpha, ..self }
    }

    /// The ε in the denominator.
    pub fn epsilon(self, epsilon: f64) -> Self {
        RmsProp { epsilon, ..self }
    }

    /// The momentum μ.
    pub fn momentum(self, momentum: f64) -> Self {
        RmsProp { momentum, ..self }
    }

    /// Whether the denominator uses the variance of the gradient instead of its mean square.
    pub fn centered(self, centered: bool) -> Self {
        RmsProp { centered, ..self }
    }

    /// The L2 coefficient λ.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        RmsProp {
            weight_decay,
            ..self
        }
    }

    /// The L1 coefficient λ, 0 by default: g ← g + λ·sign(w), with sign(0) = 0.
    pub fn l1(self, l1: f64) -> Self {
        RmsProp { l1, ..self }
    }
}

impl Rule for RmsProp {
    fn name(&self) -> &'static str {
        "rms_prop"
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
        check_fraction("RMSprop's α", self.alpha)?;
        check_fraction("the momentum", self.momentum)?;
        check_epsilon("RMSprop's ε", self.epsilon)
    }

    fn source(&self) -> &'static str {
        include_str!("../../../../shaders/update/rms_prop.wgsl")
    }

    fn flags(&self) -> Vec<(&'static str, u32)> {
        vec![
            ("CENTERED", u32::from(self.centered)),
            ("MOMENTUM", u32::from(self.momentum != 0.0)),
        ]
    }

    fn constants(&self) -> [f64; MAX_CONSTANTS] {
        pad([self.alpha, 1.0 - self.alpha, self.epsilon, self.momentum])
    }

    fn moments(&self) -> usize {
        1 + usize::from(self.centered) + usize::from(self.momentum != 0.0)
    }

    fn never_negative(&self, moment: usize) -> bool {
        // Moment 0 is the mean of the squares; the others may be negative.
        moment == 0
    }

    /// The velocity is at most 2⁵¹/ε·2²⁴ = 2¹⁰⁹, the step at most 2¹⁰·2¹⁰⁹ = 2¹¹⁹.
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
        [alpha, one_minus_alpha, epsilon, momentum, ..]: [T; MAX_CONSTANTS],
        step: StepValues<T>,
    ) -> u32 {
        let mut seen = 0;
        let [squares, second, third] = span.moments;
        let (means, velocities) = if self.centered {
            (second, third)
        } else {
            (third, second)
        };
        for (i, (w, &g)) in span.weights.iter_mut().zip(span.gradients).enumerate() {
            let g = penalty.gradient(g, *w);
            squares[i] = alpha * squares[i] + one_minus_alpha * g * g;
            let mut variance = squares[i];
            if self.centered {
                means[i] = alpha * means[i] + one_minus_alpha * g;
                variance = (variance - means[i] * means[i]).max(T::ZERO);
            }
            let mut velocity = g / (variance.sqrt() + epsilon);
            if self.momentum != 0.0 {
                velocity = momentum * velocities[i] + velocity;
                velocities[i] = velocity;
            }
            *w = *w - step.rate * velocity;
            seen |= w.bits();
        }
        seen
    }

    #[cfg(test)]
    fn variants() -> Vec<Self> {
        vec![
            RmsProp::new(0.1),
            RmsProp::new(0.1).centered(true),
            RmsProp::new(0.1).centered(true).momentum(0.9),
        ]
    }
}
