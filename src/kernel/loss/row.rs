//! One row of a batch, as the twin of a criterion sees it.

use crate::kernel::{MatrixShape, Real};

/// The parts of the batch's arguments that belong to one row, without padding.
pub(crate) struct Row<'a, T> {
    /// Those that the criterion has; the others are empty.
    pub(crate) inputs: [&'a [T]; 3],
    pub(crate) goal: Goal<'a, T>,
    /// Empty: all 1.
    pub(crate) class_weights: &'a [T],
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

/// Sums terms in 16 interleaved chains, which loses less than one, then across the chains.
pub(crate) fn sum<T: Real>(len: usize, mut term: impl FnMut(usize) -> T) -> T {
    let mut chains = [T::ZERO; 16];
    for j in 0..len {
        chains[j % 16] += term(j);
    }
    chains.into_iter().fold(T::ZERO, |sum, chain| sum + chain)
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
