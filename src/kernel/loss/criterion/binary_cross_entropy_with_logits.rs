//! Binary cross-entropy with logits: loss = q·ln(1 + exp(−x)) + n·ln(1 + exp(x)), x logits, q = w₁·t and n = w₀·(1 − t)
//! the shares of labels 1 and 0 with their class weights: |x| times the share of the label on the other side, plus (q +
//! n)·ln(1 + exp(−|x|)). dloss = (q + n)·σ(x) − q.

use crate::kernel::activation::exponentials::{self, logistic};
use crate::kernel::base::Real;
use crate::kernel::loss::by_element;
use crate::kernel::loss::row::{Row, Shares};
use crate::kernel::loss::traits::{ClassWeights, Traits};

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "binary cross-entropy with logits",
    sources: &[
        exponentials::SOURCE,
        include_str!("../../../../shaders/loss/binary_cross_entropy_with_logits.wgsl"),
        by_element::SOURCE,
    ],
    class_weights: ClassWeights::OfTargets,
    has_classes: true,
    ..Traits::ROW
};

/// Returns the loss of one row. Writes its gradient unless that slice is empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    by_element::run_binary(row, gradients[0], loss, dloss)
}

fn loss<T: Real>(x: T, shares: Shares<T>) -> T {
    let other = if x >= T::ZERO {
        shares.negative
    } else {
        shares.positive
    };
    x.abs() * other + shares.whole * (-x.abs()).exp().ln_1p()
}

fn dloss<T: Real>(x: T, shares: Shares<T>) -> T {
    shares.whole * logistic(x) - shares.positive
}
