//! Factors of the optimizer's coefficients, by blocks of the arena: parameter groups.

use super::ranges::{check_not_negative, check_scaled};
use super::{Optimizer, Part, Penalty, StepValues};
use crate::kernel::Real;
use crate::kernel::matrix::ALIGNMENT;

/// Floats of a block. Tensors start at multiples of it, so a block belongs to one tensor.
pub(crate) const BLOCK: usize = ALIGNMENT;

/// Floats of a block's entry in the table.
pub(crate) const ENTRY: usize = 4;

/// Factors of an optimizer's coefficients for some of the parameters.
///
/// A learning rate of 0 freezes them: weights and moments stay as they are to the bit, whatever their gradient.
///
/// ```
/// use wgrad::Factors;
/// let slowly = Factors { rate: 0.1, ..Factors::default() };
/// assert_eq!(slowly.l2, 1.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// Of the learning rate.
    pub rate: f64,
    /// Of the L2 coefficient: weight decay that is added to the gradient.
    pub l2: f64,
    /// Of the L1 coefficient.
    pub l1: f64,
    /// Of decoupled weight decay, which the rate's factor scales too, as it is ηλw.
    pub decoupled: f64,
}

impl Default for Factors {
    /// All 1: as if there were none.
    fn default() -> Self {
        Factors {
            rate: 1.0,
            l2: 1.0,
            l1: 1.0,
            decoupled: 1.0,
        }
    }
}

impl Factors {
    /// Refuses factors outside their ranges.
    pub(crate) fn check(&self) -> crate::Result<()> {
        check_not_negative("the factor of the learning rate", self.rate)?;
        check_not_negative("the factor of the L2 coefficient", self.l2)?;
        check_not_negative("the factor of the L1 coefficient", self.l1)?;
        check_not_negative("the factor of the decoupled weight decay", self.decoupled)
    }

    /// Refuses factors whose products with the optimizer's coefficients have no meaning in `f32`.
    pub(crate) fn check_with(&self, optimizer: &Optimizer, rate: f64) -> crate::Result<()> {
        check_scaled("the learning rate times its factor", rate, self.rate)?;
        let (decay, decoupled) = optimizer.weight_decay();
        let factor = if decoupled { self.decoupled } else { self.l2 };
        check_scaled("the weight decay times its factor", decay, factor)?;
        check_scaled(
            "the L1 coefficient times its factor",
            optimizer.l1(),
            self.l1,
        )
    }

    /// An entry of the table that the kernel reads.
    pub(crate) fn entry(self) -> [f32; ENTRY] {
        [self.rate, self.l2, self.l1, self.decoupled].map(|factor| factor as f32)
    }
}

pub(super) const SOURCE: &str = include_str!("../../../shaders/update/grouped.wgsl");

/// One bit for each of rate, first, second and third: whether the rate's factor scales it.
pub(super) fn mask(optimizer: &Optimizer) -> u32 {
    (0..)
        .zip(optimizer.scales_with_rate())
        .map(|(bit, scales)| u32::from(scales) << bit)
        .sum()
}

/// A block's factors.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockFactors<T> {
    rate: T,
    penalty: Penalty<T>,
}

impl<T: Real> BlockFactors<T> {
    /// Penalties and step values of the block.
    pub(super) fn scale(
        &self,
        optimizer: &Optimizer,
        penalty: Penalty<T>,
        values: StepValues<T>,
    ) -> (Penalty<T>, StepValues<T>) {
        let [rate, first, second, third] = optimizer
            .scales_with_rate()
            .map(|scales| if scales { self.rate } else { T::ONE });
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

/// Calls `update` for every run of blocks with equal factors that is not frozen. The part starts at a block.
pub(super) fn run<T: Real>(
    mut part: Part<'_, T>,
    table: &[T],
    update: &impl Fn(Part<'_, T>, BlockFactors<T>),
) {
    let entry = |block: usize| &table[block * ENTRY..][..ENTRY];
    while !part.weights.is_empty() {
        let (first, length) = (part.start / BLOCK, part.weights.len());
        let blocks = length.div_ceil(BLOCK);
        let equal = (1..blocks)
            .take_while(|i| entry(first + i) == entry(first))
            .count();
        let (run, rest) = part.split_at((BLOCK * (1 + equal)).min(length));
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
        part = rest;
    }
}
