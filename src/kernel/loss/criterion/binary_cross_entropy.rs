//! Binary cross-entropy: loss = −q·ln max(x, 10⁻³⁰) − n·ln max(1 − x, 10⁻³⁰), x probabilities, q = w₁·t and n = w₀·(1 −
//! t) the shares of labels 1 and 0 with their class weights. dloss = n/(1 − x) − q/x; each of the two is 0 where its
//! logarithm is flat.

use super::cross_entropy::min_probability;
use crate::kernel::base::Real;
use crate::kernel::loss::by_element;
use crate::kernel::loss::row::{Row, Shares};
use crate::kernel::loss::traits::{ClassWeights, Traits};

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "binary cross-entropy",
    sources: &[
        include_str!("../../../../shaders/loss/binary_cross_entropy.wgsl"),
        by_element::SOURCE,
    ],
    class_weights: ClassWeights::OfTargets,
    has_classes: true,
    threshold: 0.5,
    ..Traits::ROW
};

/// Returns the loss of one row. Writes its gradient unless that slice is empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    by_element::run_binary(row, gradients[0], loss, dloss)
}

fn loss<T: Real>(x: T, shares: Shares<T>) -> T {
    let y = T::ONE - x;
    -(shares.positive * x.max(min_probability()).ln()
        + shares.negative * y.max(min_probability()).ln())
}

fn dloss<T: Real>(x: T, shares: Shares<T>) -> T {
    let quotient = |share: T, x: T| {
        if x < min_probability() {
            T::ZERO
        } else {
            share / x
        }
    };
    quotient(shares.negative, T::ONE - x) - quotient(shares.positive, x)
}
