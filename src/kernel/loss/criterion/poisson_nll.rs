//! Poisson negative log-likelihood: loss = exp(x) − t·x, x the logarithm of the rate.

use crate::kernel::base::Real;
use crate::kernel::loss::by_element;
use crate::kernel::loss::row::Row;
use crate::kernel::loss::traits::Traits;

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "Poisson NLL",
    sources: &[
        include_str!("../../../../shaders/loss/poisson_nll.wgsl"),
        by_element::SOURCE,
    ],
    ..Traits::ROW
};

/// Returns the loss of one row. Writes its gradient unless that slice is empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    by_element::run(row, gradients[0], loss, dloss)
}

fn loss<T: Real>(x: T, t: T, _: T) -> T {
    x.exp() - t * x
}

fn dloss<T: Real>(x: T, t: T, _: T) -> T {
    x.exp() - t
}
