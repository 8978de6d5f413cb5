//! Value: loss = x, a loss that the graph has computed.

use crate::kernel::base::Real;
use crate::kernel::loss::by_element;
use crate::kernel::loss::row::Row;
use crate::kernel::loss::traits::{Target, Traits};

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "value",
    sources: &[
        include_str!("../../../../shaders/loss/value.wgsl"),
        by_element::SOURCE,
    ],
    target: Target::Nothing,
    ..Traits::ROW
};

/// Returns the loss of one row. Writes its gradient unless that slice is empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    by_element::run(row, gradients[0], loss, dloss)
}

fn loss<T: Real>(x: T, _t: T, _: T) -> T {
    x
}

fn dloss<T: Real>(_x: T, _t: T, _: T) -> T {
    T::ONE
}
