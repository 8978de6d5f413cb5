//! Adam and AdamW: one rule with two forms of weight decay.

use crate::kernel::base::Real;
use crate::kernel::base::ranges::{check_epsilon, check_fraction};
use crate::kernel::update::rule::{
    Coefficients, MAX_CONSTANTS, Rule, betas, is_ordinary_epsilon, power,
};
use crate::kernel::update::span::Span;
use crate::kernel::update::values::{Penalty, StepValues};

/// Adam (Kingma and Ba 2015), as PyTorch's `Adam`. In step t, from 1:
///
/// m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; w ← w − η·(m/(1 − β₁ᵗ)) / (√(v/(1 − β₂ᵗ)) + ε).
///
/// Weight decay λ is added to the gradient: g + λw. [`AdamW`] subtracts it from the weights instead.
///
/// ```
/// use wgrad::optim::Adam;
/// let adam = Adam::new(1e-3).betas(0.9, 0.99);
/// # let _: wgrad::Optimizer = adam.into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
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
    pub const fn new(learning_rate: f64) -> Self {
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

    /// The L2 coefficient λ: g ← g + λw.
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

    /// AMSGrad (Reddi et al. 2018): the denominator uses the maximum of all v so far.
    pub fn amsgrad(self, amsgrad: bool) -> Self {
        Adam { amsgrad, ..self }
    }

    /// Whether the moments are divided by 1 − βᵗ, on by default. Without it the rule is w ← w − ηm/(√v + ε), as in some
    /// textbooks, and the first steps have a different length.
    pub fn bias_correction(self, bias_correction: bool) -> Self {
        Adam {
            bias_correction,
            ..self
        }
    }
}

/// AdamW (Loshchilov and Hutter 2019), as PyTorch's `AdamW`: [`Adam`] with decoupled weight decay λ, w ← w − ηλw.
///
/// ```
/// use wgrad::optim::AdamW;
/// let optimizer = AdamW::new(1e-3).weight_decay(0.1);
/// # let _: wgrad::Optimizer = optimizer.into();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct AdamW(#[cfg_attr(feature = "serde", serde(deserialize_with = "decoupled"))] Adam);

/// Reads the settings of [`AdamW`]: those of an [`Adam`] whose weight decay is decoupled.
#[cfg(feature = "serde")]
fn decoupled<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Adam, D::Error> {
    let adam: Adam = serde::Deserialize::deserialize(from)?;
    if adam.decoupled {
        return Ok(adam);
    }
    let message = "AdamW decouples its weight decay: expected `decoupled: true`, found false";
    Err(serde::de::Error::custom(message))
}

impl AdamW {
    /// AdamW with learning rate η, β₁ = 0.9, β₂ = 0.999, ε = 1e-8 and λ = 0.01.
    pub const fn new(learning_rate: f64) -> Self {
        AdamW(Adam {
            weight_decay: 0.01,
            decoupled: true,
            ..Adam::new(learning_rate)
        })
    }

    /// The decay rates β₁ and β₂ of the two moments, each at least 0 and below 1.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        AdamW(self.0.betas(beta1, beta2))
    }

    /// The ε in the denominator.
    pub fn epsilon(self, epsilon: f64) -> Self {
        AdamW(self.0.epsilon(epsilon))
    }

    /// The coefficient λ of the decoupled weight decay: w ← w − ηλw.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        AdamW(self.0.weight_decay(weight_decay))
    }

    /// The L1 coefficient, 0 by default: g ← g + λ₁·sign(w), with sign(0) = 0.
    pub fn l1(self, l1: f64) -> Self {
        AdamW(self.0.l1(l1))
    }

    /// AMSGrad (Reddi et al. 2018): the denominator uses the maximum of all v so far.
    pub fn amsgrad(self, amsgrad: bool) -> Self {
        AdamW(self.0.amsgrad(amsgrad))
    }

    /// Whether the moments are divided by 1 − βᵗ, on by default: see [`Adam::bias_correction`].
    pub fn bias_correction(self, bias_correction: bool) -> Self {
        AdamW(self.0.bias_correction(bias_correction))
    }
}

impl From<AdamW> for Adam {
    fn from(optimizer: AdamW) -> Self {
        optimizer.0
    }
}

impl Rule for Adam {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn coefficients(&self) -> Coefficients {
        Coefficients {
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            decoupled: self.decoupled,
            l1: self.l1,
        }
    }

    fn check(&self) -> crate::Result<()> {
        check_fraction("Adam's β₁", self.beta1)?;
        check_fraction("Adam's β₂", self.beta2)?;
        check_epsilon("Adam's ε", self.epsilon)
    }

    fn source(&self) -> &'static str {
        include_str!("../../../../shaders/update/adam.wgsl")
    }

    fn flags(&self) -> Vec<(&'static str, u32)> {
        vec![("AMSGRAD", u32::from(self.amsgrad))]
    }

    fn constants(&self) -> [f64; MAX_CONSTANTS] {
        betas(self.beta1, self.beta2, self.epsilon)
    }

    /// First is η/(1 − β₁ᵗ), second 1/√(1 − β₂ᵗ); without bias correction they are η and 1.
    fn step_values(&self, step: u64, rate: f64) -> [f64; 4] {
        if !self.bias_correction {
            return [rate, rate, 1.0, 0.0];
        }
        let first = rate / (1.0 - power(self.beta1, step));
        let second = 1.0 / (1.0 - power(self.beta2, step)).sqrt();
        [rate, first, second, 0.0]
    }

    fn scales_with_rate(&self) -> [bool; 4] {
        [true, true, false, false]
    }

    fn moments(&self) -> usize {
        2 + usize::from(self.amsgrad)
    }

    fn never_negative(&self, moment: usize) -> bool {
        // Moment 0 is the mean of the gradients, which may be negative.
        moment > 0
    }

    /// The step is at most 2³⁴·2⁵²/ε = 2¹²⁰.
    fn is_ordinary(&self) -> bool {
        is_ordinary_epsilon(self.epsilon)
    }

    fn flops(&self) -> usize {
        17
    }

    #[inline(always)]
    fn update<T: Real>(
        &self,
        span: Span<'_, T>,
        penalty: Penalty<T>,
        constants: [T; MAX_CONSTANTS],
        step: StepValues<T>,
    ) -> u32 {
        let mut seen = 0;
        let [beta1, one_minus_beta1, beta2, one_minus_beta2, epsilon, ..] = constants;
        let [ms, vs, maxima] = span.moments;
        let new_moments = |w: T, g: T, m: &mut T, v: &mut T| {
            let g = penalty.gradient(g, w);
            *m = beta1 * *m + one_minus_beta1 * g;
            *v = beta2 * *v + one_minus_beta2 * g * g;
        };
        let new_weight = |w: T, m: T, v: T| {
            let decayed = w - step.rate * penalty.decoupled * w;
            decayed - step.first * m / (v.sqrt() * step.second + epsilon)
        };
        let elements = span.weights.iter_mut().zip(span.gradients).zip(ms).zip(vs);
        if self.amsgrad {
            for ((((w, &g), m), v), max) in elements.zip(maxima) {
                new_moments(*w, g, m, v);
                *max = max.max(*v);
                *w = new_weight(*w, *m, *max);
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

    #[cfg(test)]
    fn variants() -> Vec<Self> {
        vec![Adam::new(0.1), Adam::new(0.1).amsgrad(true)]
    }
}
