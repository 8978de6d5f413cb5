//! Hinge: loss = max(0, margin − t·x), t = ±1.

use crate::kernel::base::Real;
use crate::kernel::loss::by_element;
use crate::kernel::loss::row::Row;
use crate::kernel::loss::traits::{Traits, check_above_zero};

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "hinge",
    sources: &[
        include_str!("../../../../shaders/loss/hinge.wgsl"),
        by_element::SOURCE,
    ],
    has_classes: true,
    off_target: -1.0,
    check: |margin| check_above_zero("a margin", margin),
    ..Traits::ROW
};

/// Returns the loss of one row. Writes its gradient unless that slice is empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    by_element::run(row, gradients[0], loss, dloss)
}

fn loss<T: Real>(x: T, t: T, margin: T) -> T {
    (margin - t * x).max(T::ZERO)
}

fn dloss<T: Real>(x: T, t: T, margin: T) -> T {
    if t * x < margin { -t } else { T::ZERO }
}
