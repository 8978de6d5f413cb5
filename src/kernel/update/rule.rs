//! Optimizer rules: the interface of an optimizer to the update kernel and the trainer.

use super::span::Span;
use super::values::{Penalty, StepValues};
use crate::kernel::base::Real;

/// Maximum number of constants of a rule in the shader's uniform block: `p.hyper`, two `vec4`s.
pub(crate) const MAX_CONSTANTS: usize = 8;

/// The coefficients that every optimizer has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Coefficients {
    /// The base learning rate, which a schedule scales.
    pub(crate) learning_rate: f64,
    pub(crate) weight_decay: f64,
    /// Whether the weight decay is decoupled as in AdamW: the rule subtracts ηλw from the weights. Otherwise λw is
    /// added to the gradient.
    pub(crate) decoupled: bool,
    pub(crate) l1: f64,
}

/// One optimizer with its settings. Its file holds the settings, their ranges, the shader piece and the CPU twin.
///
/// The shader piece defines `update(old, g, step)`. See `shaders/update/update.wgsl` for the types and the loop.
pub(crate) trait Rule {
    /// Name for listings.
    fn name(&self) -> &'static str;

    fn coefficients(&self) -> Coefficients;

    /// Refuses settings outside their ranges. [`Coefficients`] are checked by the caller.
    fn check(&self) -> crate::Result<()>;

    /// WGSL source of the rule.
    fn source(&self) -> &'static str;

    /// `const` lines of the shader.
    fn flags(&self) -> Vec<(&'static str, u32)> {
        Vec::new()
    }

    /// `p.hyper`, in the order documented in the shader piece.
    fn constants(&self) -> [f64; MAX_CONSTANTS] {
        [0.0; MAX_CONSTANTS]
    }

    /// Rate, first, second and third factor of step `step` (from 1) at learning rate `rate`.
    fn step_values(&self, _step: u64, rate: f64) -> [f64; 4] {
        [rate, 0.0, 0.0, 0.0]
    }

    /// Which of the four step values are proportional to the learning rate. A group's factor scales these.
    fn scales_with_rate(&self) -> [bool; 4] {
        [true, false, false, false]
    }

    /// Number of moments per parameter, at most [`MAX_MOMENTS`](super::span::MAX_MOMENTS).
    fn moments(&self) -> usize;

    /// Value of all moments before the first step.
    fn initial_moment(&self) -> f64 {
        0.0
    }

    /// Whether a moment is a mean, sum or maximum of squares or magnitudes, and therefore never negative.
    fn never_negative(&self, moment: usize) -> bool;

    /// The moment (1 or 2; 0 for none) that may grow from step to step. Its magnitude is tested like the weights'.
    fn watched(&self) -> usize {
        0
    }

    /// Whether the settings are within the ranges for the bounds in [`super`]; for ε see [`is_ordinary_epsilon`]. Each
    /// rule states here the bound of its step, below 2¹²⁷.
    fn is_ordinary(&self) -> bool;

    /// Approximate number of floating-point operations per parameter.
    fn flops(&self) -> usize;

    /// CPU twin over a span of the arena. Returns the bitwise OR of all written values that may leave the bounds.
    fn update<T: Real>(
        &self,
        span: Span<'_, T>,
        penalty: Penalty<T>,
        constants: [T; MAX_CONSTANTS],
        step: StepValues<T>,
    ) -> u32
    where
        Self: Sized;

    /// Settings that together use every variant of the shader, for tests.
    #[cfg(test)]
    fn variants() -> Vec<Self>
    where
        Self: Sized;
}

/// Pads constants with zeros to [`MAX_CONSTANTS`].
pub(super) fn pad<const N: usize>(values: [f64; N]) -> [f64; MAX_CONSTANTS] {
    let mut padded = [0.0; MAX_CONSTANTS];
    padded[..N].copy_from_slice(&values);
    padded
}

/// Constants of the rules with two averages: β₁, 1 − β₁, β₂, 1 − β₂; ε.
pub(super) fn betas(beta1: f64, beta2: f64, epsilon: f64) -> [f64; MAX_CONSTANTS] {
    pad([beta1, 1.0 - beta1, beta2, 1.0 - beta2, epsilon])
}

/// βᵗ.
pub(super) fn power(beta: f64, step: u64) -> f64 {
    // libm rounds equally on every platform.
    libm::pow(beta, step as f64)
}

/// Whether an ε is at least 2⁻³⁴.
pub(super) fn is_ordinary_epsilon(epsilon: f64) -> bool {
    epsilon >= 1.0 / (1u64 << 34) as f64
}
