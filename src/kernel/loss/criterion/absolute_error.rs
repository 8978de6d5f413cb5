//! Absolute error: loss = |x − t|; the derivative at 0 is 0.

use crate::kernel::base::Real;
use crate::kernel::loss::by_element;
use crate::kernel::loss::row::Row;
use crate::kernel::loss::traits::Traits;

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "absolute error",
    sources: &[
        include_str!("../../../../shaders/loss/absolute_error.wgsl"),
        by_element::SOURCE,
    ],
    threshold: 0.5,
    ..Traits::ROW
};

/// Returns the loss of one row. Writes its gradient unless that slice is empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    by_element::run(row, gradients[0], loss, dloss)
}

fn loss<T: Real>(x: T, t: T, _: T) -> T {
    (x - t).abs()
}

fn dloss<T: Real>(x: T, t: T, _: T) -> T {
    (x - t).sign()
}
