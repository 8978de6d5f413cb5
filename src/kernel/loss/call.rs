//! Loss calls: operands, outputs, and properties derived from them.

use super::argmax;
use super::criterion::Criterion;
use super::row::{self, Goal, Row};
use crate::kernel::base::row_reduce::WORKGROUP;
use crate::kernel::base::{Capabilities, MatrixShape, Real, row_reduce};
use crate::kernel::step::Scales;

/// Number of partial sums of a batch: one for each invocation of a workgroup of the loss.
pub(crate) const PARTS: usize = row_reduce::WORKGROUP;

/// Maximum number of labels that all workgroups of a loss may load in total: reached by 16,384 rows of up to 32
/// columns, or by 2,048 longer rows.
pub(super) const FEW_LOADS: usize = 1 << 22;

/// Number of metric ring entries for the partial sums of a loss of this shape whose gradient is divided by the row
/// weights; 0 if the loss adds up the weights itself. Like a plan, it does not depend on the adapter.
pub(crate) fn entries(shape: MatrixShape) -> usize {
    let loads = shape.rows.saturating_mul(row_reduce::sums(shape));
    if loads > FEW_LOADS { PARTS } else { 0 }
}

/// The target that the inputs are compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Against {
    /// One label per row.
    Labels,
    /// A matrix of targets with the inputs' shape; [rows, 1] for the cosine criterion.
    Values,
    /// One number for all elements.
    Constant(f32),
    /// The criterion has no target.
    Nothing,
}

/// The output of a call, in addition to the metric ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Nothing.
    Reduced,
    /// The gradient of every input.
    Gradients,
    /// The weighted losses of the rows, without the factor: [1, rows].
    Rows,
}

/// One loss over a batch. Arguments: inputs, [labels or targets], [class weights [1, cols]], [gradients or losses of
/// the rows], metric ring, state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowLoss {
    pub(crate) criterion: Criterion,
    /// Shape of each input.
    pub(crate) shape: MatrixShape,
    pub(crate) against: Against,
    pub(crate) class_weights: bool,
    /// Whether rows with target values are counted as correct or not, by the largest target, if the criterion has
    /// classes.
    pub(crate) counts_values: bool,
    /// The ignored label, whose rows do not count.
    pub(crate) ignore: Option<u32>,
    /// Factor of the gradient: the loss's factor over the fixed part of its denominator.
    pub(crate) factor: f32,
    /// Whether the gradient is also divided by the sum of the row weights. If that sum is 0, so is the gradient.
    pub(crate) divide: bool,
    /// Used instead of `divide` in accumulating steps: the layout of the scales after the state's words, and the index
    /// of the loss term whose scale multiplies the gradient. The number of steps with scales equals the number of
    /// places of the metric ring.
    pub(crate) scaled: Option<(Scales, usize)>,
    pub(crate) output: Output,
    /// Whether this call writes B = A + 1; exactly one of a step's losses does.
    pub(crate) clock: bool,
    /// Whether the step is an ordinary one. The loss that advances the clock then sets the guard to [`NEEDS_CARE`](crate::kernel::base::guard::NEEDS_CARE) if an
    /// earlier update has set the care word.
    pub(crate) ordinary: bool,
    /// Number of places of the metric ring. A step's place is the step counter modulo this number.
    pub(crate) ring_steps: usize,
    /// Number of entries (of four floats) from one place to the next.
    pub(crate) ring_stride: usize,
    /// The first entry of this loss within a place.
    pub(crate) ring_offset: usize,
    /// Number of this loss's entries: at least [`row_reduce::sums`]. Entries after the last workgroup's are zeroed. If
    /// an earlier call computes partial sums of the row weights ([`RowLoss::reads_denominator`]), these follow.
    pub(crate) ring_sums: usize,
}

impl RowLoss {
    /// The target, if it is one number.
    pub(super) fn constant(&self) -> f32 {
        match self.against {
            Against::Constant(value) => value,
            _ => 0.0,
        }
    }

    /// Whether rows are counted as correct or not.
    pub(super) fn counts(&self) -> bool {
        match self.against {
            Against::Labels => self.criterion.has_guess(),
            Against::Values => self.counts_values && self.criterion.has_classes(),
            Against::Constant(_) | Against::Nothing => false,
        }
    }

    /// Threshold above which the target of a single column is label 1.
    pub(super) fn middle(&self) -> f32 {
        (1.0 + self.criterion.off_target()) / 2.0
    }

    /// Maximum iterations of an invocation of the shader, over all its loops.
    pub(super) fn iterations(&self, capabilities: &Capabilities) -> usize {
        // Triplet margin and cosine have three passes over the row; the others have fewer.
        let passes = 3 * row_reduce::turns(self.shape, capabilities);
        let rows_in_turn = self.shape.rows.div_ceil(WORKGROUP);
        let adds_up = self.divides() && !self.reads_denominator();
        let denominator = if adds_up { rows_in_turn } else { 0 };
        let zeroing = self.ring_sums.div_ceil(WORKGROUP);
        // Two blocked sums over the rows of a workgroup, and the levels of up to ten trees.
        let sums = 2 * (WORKGROUP + WORKGROUP / 8) + 10 * WORKGROUP.ilog2() as usize;
        passes + denominator + zeroing + sums
    }

    /// Whether a gradient is computed and divided by the sum of the row weights.
    pub(super) fn divides(&self) -> bool {
        self.divide && self.output == Output::Gradients
    }

    /// Whether an earlier [`RowWeights`](super::RowWeights) call computes the sum of the row weights, as partial sums
    /// in the ring entries after this loss's.
    pub(crate) fn reads_denominator(&self) -> bool {
        self.divides() && entries(self.shape) > 0
    }

    /// Whether a row's weight is its label's class weight.
    pub(crate) fn weighs_rows(&self) -> bool {
        self.class_weights && self.against == Against::Labels && self.criterion.weighs_rows()
    }

    /// The target of row `i`.
    pub(super) fn goal<'a, T: Real>(
        &self,
        label: Option<u32>,
        values: &'a [T],
        i: usize,
    ) -> Goal<'a, T> {
        match label {
            Some(label) => Goal::Hot {
                column: row::hot_column(label, self.criterion.is_binary(self.shape.cols)),
                label,
                off: T::of(self.criterion.off_target().into()),
            },
            None if self.against == Against::Values => {
                let cols = self.criterion.target_cols(self.shape.cols);
                Goal::Values(row::of(values, MatrixShape::new(self.shape.rows, cols), i))
            }
            None => Goal::Constant(T::of(self.constant().into())),
        }
    }

    pub(super) fn row_weight<T: Real>(&self, label: Option<u32>, class_weights: &[T]) -> T {
        if label.is_some() && label == self.ignore {
            T::ZERO
        } else if self.weighs_rows() {
            class_weights[row::class(label.unwrap_or(0), class_weights.len())]
        } else {
            T::ONE
        }
    }

    /// The factor of the gradient, divided by the sum of the row weights.
    pub(super) fn factor_over<T: Real>(&self, weights: f64) -> T {
        let weights = T::of(weights);
        if weights == T::ZERO {
            T::ZERO
        } else {
            T::of(self.factor.into()) / weights
        }
    }

    /// Whether the row's guess is its label, or the column of its largest target value.
    pub(super) fn is_correct<T: Real>(&self, row: &Row<'_, T>, label: Option<u32>) -> bool {
        let x = row.inputs[0];
        if self.criterion.is_binary(x.len()) {
            let is_one = match label {
                Some(label) => label == 1,
                None => row.target(0) > T::of(self.middle().into()),
            };
            return (x[0] > T::of(self.criterion.threshold().into())) == is_one;
        }
        let wanted = match (label, &row.goal) {
            (Some(label), _) => label as usize,
            (None, Goal::Values(values)) => argmax::find(values),
            _ => unreachable!("only labels and values are guessed"),
        };
        argmax::find(x) == wanted
    }
}
