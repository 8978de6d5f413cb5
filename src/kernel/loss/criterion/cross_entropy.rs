//! Cross-entropy: loss = −t·ln max(x, 10⁻³⁰), x probabilities; dloss = −t/x, or 0 where x < 10⁻³⁰, as the loss is flat
//! there.

use crate::kernel::base::Real;
use crate::kernel::loss::by_element;
use crate::kernel::loss::row::Row;
use crate::kernel::loss::traits::{ClassWeights, Traits};

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "cross-entropy",
    sources: &[
        include_str!("../../../../shaders/loss/cross_entropy.wgsl"),
        by_element::SOURCE,
    ],
    is_by_row: true,
    class_weights: ClassWeights::OfRows,
    has_classes: true,
    threshold: 0.5,
    ..Traits::ROW
};

/// Returns the loss of one row. Writes its gradient unless that slice is empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    by_element::run(row, gradients[0], loss, dloss)
}

fn loss<T: Real>(x: T, t: T, _: T) -> T {
    -t * x.max(min_probability()).ln()
}

fn dloss<T: Real>(x: T, t: T, _: T) -> T {
    if x < min_probability() {
        T::ZERO
    } else {
        -t / x
    }
}

/// The smallest probability in a logarithm: smaller ones are raised to it.
pub(super) fn min_probability<T: Real>() -> T {
    T::of(f64::from(1e-30f32))
}
