//! RMSprop.

use super::ranges::{check_epsilon, check_fraction};
use super::{Optimizer, Part, Penalty, StepValues};
use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/update/rms_prop.wgsl");

/// RMSprop (Tieleman and Hinton 2012), as PyTorch's `RMSprop`: s ← αs + (1 − α)g²; u = g/(√s + ε); w ← w − ηu.
///
/// With momentum μ: v ← μv + u; w ← w − ηv. Centred: ḡ ← αḡ + (1 − α)g, and s − ḡ² stands under the root.
///
/// ```
/// # use wgrad::RmsProp;
/// # let _: wgrad::Optimizer =
/// RmsProp::new(0.01).alpha(0.9).centered(true)
/// # .into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// RMSprop with learning rate η, α = 0.99, ε = 1e-8, without momentum, centring and weight decay.
    pub fn new(learning_rate: f64) -> Self {
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

    /// Whether the variance of the gradient stands in the denominator instead of its mean square.
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

    pub(super) fn check(&self) -> crate::Result<()> {
        check_fraction("RMSprop's α", self.alpha)?;
        check_fraction("the momentum", self.momentum)?;
        check_epsilon("RMSprop's ε", self.epsilon)
    }
}

impl From<RmsProp> for Optimizer {
    fn from(optimizer: RmsProp) -> Self {
        Optimizer::RmsProp(optimizer)
    }
}

#[inline(always)]
pub(crate) fn run<T: Real>(
    part: Part<'_, T>,
    penalty: Penalty<T>,
    [alpha, one_minus_alpha, epsilon, momentum, ..]: [T; 8],
    centered: bool,
    with_momentum: bool,
    step: StepValues<T>,
) -> u32 {
    let mut seen = 0;
    let [squares, second, third] = part.moments;
    let (means, velocities) = if centered {
        (second, third)
    } else {
        (third, second)
    };
    for (i, (w, &g)) in part.weights.iter_mut().zip(part.gradients).enumerate() {
        let g = penalty.gradient(g, *w);
        squares[i] = alpha * squares[i] + one_minus_alpha * g * g;
        let mut variance = squares[i];
        if centered {
            means[i] = alpha * means[i] + one_minus_alpha * g;
            variance = (variance - means[i] * means[i]).max(T::ZERO);
        }
        let mut velocity = g / (variance.sqrt() + epsilon);
        if with_momentum {
            velocity = momentum * velocities[i] + velocity;
            velocities[i] = velocity;
        }
        *w = *w - step.rate * velocity;
        seen |= w.bits();
    }
    seen
}
