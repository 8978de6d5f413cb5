//! One row of a batch, as the twin of a criterion sees it.

use crate::kernel::base::{MatrixShape, Real};

/// The parts of the batch's arguments that belong to one row, without padding.
pub(crate) struct Row<'a, T> {
    /// Those that the criterion has; the others are empty.
    pub(crate) inputs: [&'a [T]; 3],
    pub(crate) goal: Goal<'a, T>,
    /// Of the columns. Empty: all 1.
    pub(crate) class_weights: &'a [T],
    /// Of labels 0 and 1 in every column, for criteria of such. Empty: both 1.
    pub(crate) binary_weights: &'a [T],
    /// The criterion's: smoothing, β, δ or margin.
    pub(crate) parameter: T,
    /// Of the gradient.
    pub(crate) factor: T,
}

/// The target of a row.
pub(crate) enum Goal<'a, T> {
    /// One-hot from a label: 1 in a column, `off` in the others.
    Hot {
        column: u32,
        label: u32,
        off: T,
    },
    Values(&'a [T]),
    Constant(T),
}

/// What a target between 0 and 1 has of the labels 1 and 0, with their class weights, and both together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares<T> {
    pub(crate) positive: T,
    pub(crate) negative: T,
    pub(crate) whole: T,
}

impl<T: Real> Row<'_, T> {
    /// The target in column `j`.
    pub(crate) fn target(&self, j: usize) -> T {
        match self.goal {
            Goal::Hot { column, .. } if column as usize == j => T::ONE,
            Goal::Hot { off, .. } => off,
            Goal::Values(values) => values[j],
            Goal::Constant(value) => value,
        }
    }

    /// The target of a criterion with one a row.
    pub(crate) fn row_target(&self) -> T {
        match self.goal {
            Goal::Hot { label: 1, .. } => T::ONE,
            Goal::Hot { off, .. } => off,
            Goal::Values(values) => values[0],
            Goal::Constant(value) => value,
        }
    }

    /// The label, where there is one.
    pub(crate) fn label(&self) -> usize {
        match self.goal {
            Goal::Hot { label, .. } => class(label, self.inputs[0].len()),
            _ => 0,
        }
    }

    /// The class weight of column `j`.
    pub(crate) fn class_weight(&self, j: usize) -> T {
        self.class_weights.get(j).copied().unwrap_or(T::ONE)
    }

    /// The shares of the two labels in a target.
    pub(crate) fn shares(&self, target: T) -> Shares<T> {
        let rest = T::ONE - target;
        match self.binary_weights {
            [zero, one, ..] => {
                let (positive, negative) = (*one * target, *zero * rest);
                Shares {
                    positive,
                    negative,
                    whole: positive + negative,
                }
            }
            _ => Shares {
                positive: target,
                negative: rest,
                whole: T::ONE,
            },
        }
    }

    /// Whether inputs and targets are.
    pub(crate) fn is_finite(&self) -> bool {
        let finite = |values: &[T]| values.iter().all(|value| value.is_finite());
        let goal = match self.goal {
            Goal::Values(values) => finite(values),
            _ => true,
        };
        goal && self.inputs.iter().all(|input| finite(input))
    }
}

/// Terms that are summed at a time.
const BLOCK: usize = 512;

/// Sums terms: blocks in 16 interleaved chains and then across the chains, the blocks' sums pairwise. An error is at
/// most 48 + log₂(len/512) roundings of Σ|term|.
pub(crate) fn sum<T: Real>(len: usize, mut term: impl FnMut(usize) -> T) -> T {
    pairwise(0, len, &mut term)
}

fn pairwise<T: Real>(start: usize, end: usize, term: &mut impl FnMut(usize) -> T) -> T {
    if end - start > BLOCK {
        let blocks = (end - start).div_ceil(BLOCK);
        let middle = start + blocks.div_ceil(2) * BLOCK;
        let first = pairwise(start, middle, term);
        return first + pairwise(middle, end, term);
    }
    let mut chains = [T::ZERO; 16];
    for j in start..end {
        chains[j % 16] += term(j);
    }
    chains.into_iter().fold(T::ZERO, |sum, chain| sum + chain)
}

/// The power of two at or below a magnitude, from 2⁻¹²⁶ to 2¹²⁶: dividing by it is exact and takes squares out of the
/// range where they overflow.
pub(crate) fn binade<T: Real>(magnitude: T) -> T {
    let clamped = magnitude
        .to_f64()
        .clamp(f64::from_bits(0x381 << 52), f64::from_bits(0x47d << 52));
    T::of(f64::from_bits(clamped.to_bits() & (0x7ff << 52)))
}

/// The column whose target is 1, or the first index beyond the columns if none is. In a binary criterion with one
/// column that column is hot for label 1.
pub(crate) fn hot_column(label: u32, is_binary: bool) -> u32 {
    if is_binary { 1 - label.min(1) } else { label }
}

/// The place of a label among class weights: a single one is for labels 0 and 1.
pub(crate) fn class(label: u32, classes: usize) -> usize {
    (label as usize).min(classes - 1)
}

/// Row `i` of a padded matrix, without its padding; of an empty one, nothing.
pub(crate) fn of<T>(matrix: &[T], shape: MatrixShape, i: usize) -> &[T] {
    if matrix.is_empty() {
        return matrix;
    }
    &matrix[i * shape.ld()..][..shape.cols]
}

/// The same, and its padding, to write.
pub(crate) fn of_mut<T>(matrix: &mut [T], shape: MatrixShape, i: usize) -> (&mut [T], &mut [T]) {
    if matrix.is_empty() {
        return Default::default();
    }
    matrix[i * shape.ld()..][..shape.ld()].split_at_mut(shape.cols)
}
