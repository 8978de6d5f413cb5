//! Negative log-likelihood: loss = −t·x, x log-probabilities.

use crate::kernel::base::Real;
use crate::kernel::loss::by_element;
use crate::kernel::loss::row::Row;
use crate::kernel::loss::traits::{ClassWeights, Traits};

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "negative log-likelihood",
    sources: &[
        include_str!("../../../../shaders/loss/negative_log_likelihood.wgsl"),
        by_element::SOURCE,
    ],
    is_by_row: true,
    class_weights: ClassWeights::OfRows,
    is_by_class: true,
    has_classes: true,
    ..Traits::ROW
};

/// Returns the loss of one row. Writes its gradient unless that slice is empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    by_element::run(row, gradients[0], loss, dloss)
}

fn loss<T: Real>(x: T, t: T, _: T) -> T {
    -t * x
}

fn dloss<T: Real>(_x: T, t: T, _: T) -> T {
    -t
}
