//! One row of a batch, as input of a criterion's CPU twin.

use crate::kernel::base::{MatrixShape, Real};

/// The parts of the batch's arguments that belong to one row, without padding.
pub(crate) struct Row<'a, T> {
    /// The inputs of the criterion; unused ones are empty.
    pub(crate) inputs: [&'a [T]; 3],
    pub(crate) goal: Goal<'a, T>,
    /// Class weights of the columns. Empty: all 1.
    pub(crate) class_weights: &'a [T],
    /// Class weights of labels 0 and 1, for criteria with two labels in every column. Empty: both 1.
    pub(crate) binary_weights: &'a [T],
    /// Parameter of the criterion: smoothing, β, δ or margin.
    pub(crate) parameter: T,
    /// Factor of the gradient.
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

/// Shares of labels 1 and 0 in a target between 0 and 1, multiplied by their class weights, and their sum.
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

    /// The target of a criterion with one target per row.
    pub(crate) fn row_target(&self) -> T {
        match self.goal {
            Goal::Hot { label: 1, .. } => T::ONE,
            Goal::Hot { off, .. } => off,
            Goal::Values(values) => values[0],
            Goal::Constant(value) => value,
        }
    }

    /// The label, if the target is one.
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

    /// Whether all inputs and targets are finite.
    pub(crate) fn is_finite(&self) -> bool {
        let finite = |values: &[T]| values.iter().all(|value| value.is_finite());
        let goal = match self.goal {
            Goal::Values(values) => finite(values),
            _ => true,
        };
        goal && self.inputs.iter().all(|input| finite(input))
    }
}

/// Number of terms in a block of a sum.
const BLOCK: usize = 512;

/// Sums terms. Each block is summed in 16 interleaved chains and then across the chains; the sums of blocks are added
/// pairwise. The error is at most 48 + log₂(len/512) roundings of Σ|term|.
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

/// The largest power of two that is at most a magnitude, clamped to 2⁻¹²⁶ to 2¹²⁶. Division by it is exact and prevents
/// the overflow of squares.
pub(crate) fn binade<T: Real>(magnitude: T) -> T {
    let clamped = magnitude
        .to_f64()
        .clamp(f64::from_bits(0x381 << 52), f64::from_bits(0x47d << 52));
    T::of(f64::from_bits(clamped.to_bits() & (0x7ff << 52)))
}

/// The column whose target is 1, or an index beyond the columns if there is none. In a binary criterion with one
/// column, that column is hot for label 1.
pub(crate) fn hot_column(label: u32, is_binary: bool) -> u32 {
    if is_binary { 1 - label.min(1) } else { label }
}

/// Index of a label among class weights; a single class weight applies to labels 0 and 1.
pub(crate) fn class(label: u32, classes: usize) -> usize {
    (label as usize).min(classes - 1)
}

/// Row `i` of a padded matrix, without its padding; empty for an empty matrix.
pub(crate) fn of<T>(matrix: &[T], shape: MatrixShape, i: usize) -> &[T] {
    if matrix.is_empty() {
        return matrix;
    }
    &matrix[i * shape.ld()..][..shape.cols]
}

/// Row `i` of a padded matrix and its padding, for writing.
pub(crate) fn of_mut<T>(matrix: &mut [T], shape: MatrixShape, i: usize) -> (&mut [T], &mut [T]) {
    if matrix.is_empty() {
        return Default::default();
    }
    matrix[i * shape.ld()..][..shape.ld()].split_at_mut(shape.cols)
}
