//! Kullback-Leibler divergence: loss = t(ln t − x), x log-probabilities; 0 where t is below the smallest normal `f32`,
//! since GPUs may flush subnormals before the logarithm.

use crate::kernel::base::Real;
use crate::kernel::loss::by_element;
use crate::kernel::loss::row::Row;
use crate::kernel::loss::traits::Traits;

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "KL divergence",
    sources: &[
        include_str!("../../../../shaders/loss/kl_divergence.wgsl"),
        by_element::SOURCE,
    ],
    has_classes: true,
    ..Traits::ROW
};

/// Returns the loss of one row. Writes its gradient unless that slice is empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    by_element::run(row, gradients[0], loss, dloss)
}

fn loss<T: Real>(x: T, t: T, _: T) -> T {
    if t < min_normal() {
        T::ZERO
    } else {
        t * (t.ln() - x)
    }
}

fn dloss<T: Real>(_x: T, t: T, _: T) -> T {
    if t < min_normal() { T::ZERO } else { -t }
}

fn min_normal<T: Real>() -> T {
    T::of(f32::MIN_POSITIVE.into())
}
