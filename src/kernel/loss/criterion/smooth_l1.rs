//! Smooth L1: loss = ½d²/β where |d| < β, else |d| − ½β; d = x − t.

use crate::kernel::base::Real;
use crate::kernel::loss::by_element;
use crate::kernel::loss::row::Row;
use crate::kernel::loss::traits::{Traits, check_above_zero};

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "smooth L1",
    sources: &[
        include_str!("../../../../shaders/loss/smooth_l1.wgsl"),
        by_element::SOURCE,
    ],
    threshold: 0.5,
    check: |beta| check_above_zero("the β of Smooth-L1", beta),
    ..Traits::ROW
};

/// Returns the loss of one row. Writes its gradient unless that slice is empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    by_element::run(row, gradients[0], loss, dloss)
}

fn loss<T: Real>(x: T, t: T, beta: T) -> T {
    let (d, half) = ((x - t).abs(), T::of(0.5));
    if d < beta {
        half * d * (d / beta)
    } else {
        d - half * beta
    }
}

fn dloss<T: Real>(x: T, t: T, beta: T) -> T {
    let d = x - t;
    if d.abs() < beta { d / beta } else { d.sign() }
}
