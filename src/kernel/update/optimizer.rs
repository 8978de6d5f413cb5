//! Optimizers: the type of all optimizers, and their list.
//!
//! [`optimizers!`] is the only list of optimizers. From it come [`Optimizer`], [`Optimizer::ALL`], [`crate::optim`] and
//! the tests of every optimizer.

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod lion;
mod nadam;
mod radam;
mod rms_prop;
mod sgd;

use super::groups::Factors;
use super::rule::{MAX_CONSTANTS, Rule};
use super::span::Span;
use super::values::{Penalty, StepValues};
use crate::kernel::base::Real;
use crate::kernel::base::guard::{BOUND, max_abs};
use crate::kernel::base::ranges::{check_not_negative, check_scaled};
use crate::kernel::base::simd::Vectorized;
use std::sync::atomic::{AtomicBool, Ordering};

/// Declares [`Optimizer`] and everything that has one entry per optimizer.
macro_rules! optimizers {
    ($($(#[$doc:meta])* $name:ident in $file:ident),* $(,)?) => {
        /// The optimizers.
        pub(crate) mod all {
            $(pub use super::$file::$name;)*
            pub use super::adam::AdamW;
        }
        use all::*;

        /// Any optimizer with its settings. [`Sgd`], [`Adam`] and the others convert to it by `into()`.
        ///
        /// Each optimizer first adds the penalties to the gradient g: λ₂w for L2 (`weight_decay`, unless it is
        /// decoupled) and λ₁·sign(w), sign(0) = 0, for L1 (`l1`): gradient descent on L + ½λ₂‖w‖² + λ₁Σ|w|. Both apply
        /// to every parameter, including biases.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub enum Optimizer { $($(#[$doc])* $name($name)),* }

        $(impl From<$name> for Optimizer {
            fn from(optimizer: $name) -> Self { Optimizer::$name(optimizer) }
        })*

        impl Optimizer {
            /// Every optimizer with its default settings and a learning rate of 0.01.
            pub const ALL: [Optimizer; [$(stringify!($name)),*].len()] =
                [$(Optimizer::$name($name::new(0.01))),*];

            /// Settings that together use every variant of the update shader.
            #[cfg(test)]
            pub(crate) fn variants() -> Vec<Optimizer> {
                let mut all: Vec<Optimizer> = Vec::new();
                $(all.extend($name::variants().into_iter().map(Optimizer::$name));)*
                all
            }

            /// The same optimizer with other coefficients.
            pub(crate) fn with_coefficients(
                self,
                learning_rate: f64,
                weight_decay: f64,
                l1: f64,
            ) -> Self {
                match self {
                    $(Optimizer::$name(rule) =>
                        Optimizer::$name($name { learning_rate, weight_decay, l1, ..rule })),*
                }
            }

            fn rule(&self) -> &dyn Rule { match self { $(Optimizer::$name(rule) => rule),* } }

            /// The CPU twin of the rule over a span.
            #[inline(always)]
            fn update_span<T: Real>(
                &self,
                span: Span<'_, T>,
                penalty: Penalty<T>,
                step: StepValues<T>,
            ) -> u32 {
                let constants = self.constants().map(|value| T::of(value.into()));
                match self { $(Optimizer::$name(rule) => rule.update(span, penalty, constants, step)),* }
            }
        }
    };
}

optimizers!(
    /// Stochastic gradient descent, with or without momentum.
    Sgd in sgd,
    /// Adam and AdamW.
    Adam in adam,
    /// AdaGrad.
    Adagrad in adagrad,
    /// RMSprop.
    RmsProp in rms_prop,
    /// Adadelta.
    Adadelta in adadelta,
    /// Adamax.
    Adamax in adamax,
    /// NAdam.
    NAdam in nadam,
    /// RAdam.
    RAdam in radam,
    /// Lion.
    Lion in lion,
);

impl From<AdamW> for Optimizer {
    fn from(optimizer: AdamW) -> Self {
        Optimizer::Adam(optimizer.into())
    }
}

impl Optimizer {
    /// The base learning rate, which a schedule scales.
    pub fn learning_rate(&self) -> f64 {
        self.rule().coefficients().learning_rate
    }

    /// The name, which is also the stem of the rule's two files.
    pub fn name(&self) -> &'static str {
        self.rule().name()
    }

    /// Number of moments (running averages) per parameter.
    pub(crate) fn moments(&self) -> usize {
        self.rule().moments()
    }

    /// Whether a moment is never negative.
    pub(crate) fn never_negative(&self, moment: usize) -> bool {
        self.rule().never_negative(moment)
    }

    /// Value of all moments before the first step.
    pub(crate) fn initial_moment(&self) -> f32 {
        self.rule().initial_moment() as f32
    }

    /// The coefficients of all penalties.
    pub(crate) fn penalty(&self) -> Penalty<f32> {
        let (decay, decoupled) = self.weight_decay();
        let decay = decay as f32;
        let (l2, decoupled) = if decoupled {
            (0.0, decay)
        } else {
            (decay, 0.0)
        };
        Penalty {
            l2,
            l1: self.l1() as f32,
            decoupled,
        }
    }

    /// Coefficient of the weight decay, and whether the decay is decoupled.
    pub(crate) fn weight_decay(&self) -> (f64, bool) {
        let coefficients = self.rule().coefficients();
        (coefficients.weight_decay, coefficients.decoupled)
    }

    /// Coefficient of the L1 penalty.
    pub(crate) fn l1(&self) -> f64 {
        self.rule().coefficients().l1
    }

    /// The rule's constants, in the order documented in its shader.
    pub(crate) fn constants(&self) -> [f32; MAX_CONSTANTS] {
        self.rule().constants().map(|value| value as f32)
    }

    /// `const` lines of the shader.
    pub(crate) fn flags(&self) -> Vec<(&'static str, u32)> {
        self.rule().flags()
    }

    /// WGSL source of the rule.
    pub(crate) fn source(&self) -> &'static str {
        self.rule().source()
    }

    /// The moment (1 or 2; 0 for none) whose magnitude is tested like the weights'.
    pub(crate) fn watched(&self) -> usize {
        self.rule().watched()
    }

    /// Whether an update from bounded values is finite at this learning rate, with factors of the coefficients up to
    /// `factors`: see the ranges for the bounds in [`super`].
    pub(crate) fn is_ordinary(&self, rate: f64, factors: Factors) -> bool {
        let (decay, decoupled) = self.weight_decay();
        let decay = decay
            * if decoupled {
                factors.decoupled
            } else {
                factors.l2
            };
        rate * factors.rate <= 1024.0
            && decay <= 1.0
            && self.l1() * factors.l1 <= 1.0
            && self.rule().is_ordinary()
    }

    /// Approximate number of floating-point operations per parameter.
    pub(crate) fn flops(&self) -> usize {
        self.rule().flops()
    }

    /// Bit mask of rate, first, second and third: a bit is set if the value is proportional to the learning rate.
    pub(super) fn rate_mask(&self) -> u32 {
        (0..)
            .zip(self.scales_with_rate())
            .map(|(bit, scales)| u32::from(scales) << bit)
            .sum()
    }

    /// Which of rate, first, second and third are proportional to the learning rate.
    pub(super) fn scales_with_rate(&self) -> [bool; 4] {
        self.rule().scales_with_rate()
    }

    /// The step table's values for step `step` (from 1) at learning rate `rate`, computed in `f64`.
    pub(crate) fn step_values(&self, step: u64, rate: f64) -> StepValues<f32> {
        let values = self.rule().step_values(step, rate);
        let [rate, first, second, third] = values.map(|value| value as f32);
        StepValues {
            rate,
            first,
            second,
            third,
        }
    }

    /// Whether step values are finite, also those that a factor of the learning rate scales.
    pub(crate) fn is_finite(&self, values: StepValues<f32>, factor: f64) -> bool {
        let values = values.words().map(f32::from_bits);
        let mut scaled = values.iter().zip(self.scales_with_rate());
        scaled.all(|(value, scales)| {
            let factor = if scales { factor as f32 } else { 1.0 };
            value.is_finite() && (value * factor).is_finite()
        })
    }

    /// The CPU twin of the rule over one span of the arena. Sets `care` if a written value is out of bounds.
    pub(super) fn update<T: Real>(
        &self,
        span: Span<'_, T>,
        penalty: Penalty<T>,
        step: StepValues<T>,
        care: &AtomicBool,
    ) {
        T::vectorized(OverSpan {
            optimizer: self,
            span,
            penalty,
            step,
            care,
        });
    }

    /// Refuses settings outside their ranges.
    pub(crate) fn check(&self) -> crate::Result<()> {
        check_not_negative("the learning rate", self.learning_rate())?;
        check_not_negative("the weight decay", self.weight_decay().0)?;
        check_not_negative("the L1 coefficient", self.l1())?;
        self.rule().check()
    }

    /// Refuses factors whose products with the optimizer's coefficients are out of the range of `f32`.
    pub(crate) fn check_factors(&self, factors: &Factors, rate: f64) -> crate::Result<()> {
        check_scaled("the learning rate times its factor", rate, factors.rate)?;
        let (decay, decoupled) = self.weight_decay();
        let factor = if decoupled {
            factors.decoupled
        } else {
            factors.l2
        };
        check_scaled("the weight decay times its factor", decay, factor)?;
        check_scaled("the L1 coefficient times its factor", self.l1(), factors.l1)
    }
}

/// A rule over one span of the arena.
struct OverSpan<'a, T> {
    optimizer: &'a Optimizer,
    span: Span<'a, T>,
    penalty: Penalty<T>,
    step: StepValues<T>,
    care: &'a AtomicBool,
}

impl<T: Real> Vectorized for OverSpan<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let OverSpan {
            optimizer,
            mut span,
            penalty,
            step,
            care,
        } = self;
        // Bitwise OR of all watched values.
        let seen = optimizer.update_span(span.reborrow(), penalty, step);
        // Bit 30 is set if a magnitude is 2 or more, which is rare.
        if seen & (1 << 30) != 0 {
            let mut most = max_abs(span.weights);
            if let Some(watched) = optimizer.watched().checked_sub(1) {
                most = most.max(max_abs(span.moments[watched]));
            }
            if most > BOUND {
                care.store(true, Ordering::Relaxed);
            }
        }
    }
}
