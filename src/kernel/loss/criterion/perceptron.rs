//! Perceptron: loss = max(0, −t·x), t = ±1; the derivative at 0 is −t, so that a perceptron that starts at zero learns.

use crate::kernel::base::Real;
use crate::kernel::loss::by_element;
use crate::kernel::loss::row::Row;
use crate::kernel::loss::traits::Traits;

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "perceptron criterion",
    sources: &[
        include_str!("../../../../shaders/loss/perceptron.wgsl"),
        by_element::SOURCE,
    ],
    has_classes: true,
    off_target: -1.0,
    ..Traits::ROW
};

/// Returns the loss of one row. Writes its gradient unless that slice is empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    by_element::run(row, gradients[0], loss, dloss)
}

fn loss<T: Real>(x: T, t: T, _: T) -> T {
    (-t * x).max(T::ZERO)
}

fn dloss<T: Real>(x: T, t: T, _: T) -> T {
    if t * x <= T::ZERO { -t } else { T::ZERO }
}
