//! Parameter groups: factors of the optimizer's coefficients, with one entry for each block of the arena.

use super::span::Span;
use super::values::{Penalty, StepValues};
use crate::kernel::base::Real;
use crate::kernel::base::guard::BLOCK;
use crate::kernel::base::ranges::check_not_negative;

/// Number of floats in a block's entry of the table.
pub(crate) const ENTRY: usize = 4;

/// Factors of an optimizer's coefficients for a group of parameters.
///
/// A learning rate of 0 freezes them: weights and moments keep their bits for any gradient.
///
/// ```
/// use wgrad::Factors;
/// let slowly = Factors::new().rate(0.1);
/// # let _ = slowly;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Factors {
    pub(crate) rate: f64,
    pub(crate) l2: f64,
    pub(crate) l1: f64,
    pub(crate) decoupled: f64,
}

impl Default for Factors {
    /// [`Factors::new`].
    fn default() -> Self {
        Factors::new()
    }
}

impl Factors {
    /// All factors 1, which changes nothing.
    pub const fn new() -> Self {
        Factors {
            rate: 1.0,
            l2: 1.0,
            l1: 1.0,
            decoupled: 1.0,
        }
    }

    /// Sets the factor of the learning rate, at least 0.
    pub fn rate(self, rate: f64) -> Self {
        Factors { rate, ..self }
    }

    /// Sets the factor of the L2 coefficient, weight decay that is added to the gradient; at least 0.
    pub fn l2(self, l2: f64) -> Self {
        Factors { l2, ..self }
    }

    /// Sets the factor of the L1 coefficient, at least 0.
    pub fn l1(self, l1: f64) -> Self {
        Factors { l1, ..self }
    }

    /// Sets the factor of decoupled weight decay ηλw, which the rate's factor also scales; at least 0.
    pub fn decoupled(self, decoupled: f64) -> Self {
        Factors { decoupled, ..self }
    }

    /// Refuses factors outside their ranges.
    pub(crate) fn check(&self) -> crate::Result<()> {
        check_not_negative("the factor of the learning rate", self.rate)?;
        check_not_negative("the factor of the L2 coefficient", self.l2)?;
        check_not_negative("the factor of the L1 coefficient", self.l1)?;
        check_not_negative("the factor of the decoupled weight decay", self.decoupled)
    }

    /// An entry of the table that the kernel reads.
    pub(crate) fn entry(self) -> [f32; ENTRY] {
        [self.rate, self.l2, self.l1, self.decoupled].map(|factor| factor as f32)
    }
}

/// The factors of a block, read from the table.
pub(super) const TABLE: &str = include_str!("../../../shaders/update/grouped.wgsl");
/// Factors of 1, without groups.
pub(super) const NONE: &str = include_str!("../../../shaders/update/ungrouped.wgsl");

/// A block's factors.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockFactors<T> {
    rate: T,
    penalty: Penalty<T>,
}

impl<T: Real> BlockFactors<T> {
    /// Penalties and step values of the block. The rate's factor scales the values that are proportional to the rate.
    pub(super) fn scale(
        &self,
        scales_with_rate: [bool; 4],
        penalty: Penalty<T>,
        values: StepValues<T>,
    ) -> (Penalty<T>, StepValues<T>) {
        let [rate, first, second, third] =
            scales_with_rate.map(|scales| if scales { self.rate } else { T::ONE });
        (
            Penalty {
                l2: penalty.l2 * self.penalty.l2,
                l1: penalty.l1 * self.penalty.l1,
                decoupled: penalty.decoupled * self.penalty.decoupled,
            },
            StepValues {
                rate: values.rate * rate,
                first: values.first * first,
                second: values.second * second,
                third: values.third * third,
            },
        )
    }
}

/// Calls `update` for every contiguous run of blocks with equal factors that is not frozen. The span starts at a block.
pub(super) fn run<T: Real>(
    mut span: Span<'_, T>,
    table: &[T],
    update: &impl Fn(Span<'_, T>, BlockFactors<T>),
) {
    let entry = |block: usize| &table[block * ENTRY..][..ENTRY];
    while !span.weights.is_empty() {
        let (first, length) = (span.start / BLOCK, span.weights.len());
        let blocks = length.div_ceil(BLOCK);
        let equal = (1..blocks)
            .take_while(|i| entry(first + i) == entry(first))
            .count();
        let (run, rest) = span.split_at((BLOCK * (1 + equal)).min(length));
        let entry = entry(first);
        if entry[0] != T::ZERO {
            let factors = BlockFactors {
                rate: entry[0],
                penalty: Penalty {
                    l2: entry[1],
                    l1: entry[2],
                    decoupled: entry[3],
                },
            };
            update(run, factors);
        }
        span = rest;
    }
}
