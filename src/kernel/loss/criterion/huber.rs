//! Huber: loss = ½d² where |d| ≤ δ, else δ(|d| − ½δ); d = x − t.

use crate::kernel::base::Real;
use crate::kernel::loss::by_element;
use crate::kernel::loss::row::Row;
use crate::kernel::loss::traits::{Traits, check_above_zero};

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "Huber loss",
    sources: &[
        include_str!("../../../../shaders/loss/huber.wgsl"),
        by_element::SOURCE,
    ],
    threshold: 0.5,
    check: |delta| check_above_zero("the δ of Huber's loss", delta),
    ..Traits::ROW
};

/// Returns the loss of one row. Writes its gradient unless that slice is empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    by_element::run(row, gradients[0], loss, dloss)
}

fn loss<T: Real>(x: T, t: T, delta: T) -> T {
    let (d, half) = ((x - t).abs(), T::of(0.5));
    if d <= delta {
        half * d * d
    } else {
        delta * (d - half * delta)
    }
}

fn dloss<T: Real>(x: T, t: T, delta: T) -> T {
    (x - t).max(-delta).min(delta)
}
