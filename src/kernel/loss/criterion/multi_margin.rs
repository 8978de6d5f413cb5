//! Multi-class margin: ℓ = w/C · Σ over j ≠ c of max(0, margin − x[c] + xⱼ), c the label, w its class weight, C the
//! number of classes. Each violation adds factor · w/C to dxⱼ and subtracts it from dx[c].

use crate::kernel::base::Real;
use crate::kernel::loss::row::{self, Row};
use crate::kernel::loss::traits::{ClassWeights, Target, Traits, check_above_zero};

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "multi-class margin",
    sources: &[include_str!("../../../../shaders/loss/multi_margin.wgsl")],
    target: Target::Labels,
    is_by_row: true,
    class_weights: ClassWeights::OfColumns,
    is_by_class: true,
    check: |margin| check_above_zero("a margin", margin),
    ..Traits::ROW
};

/// Returns the loss of one row. Writes the gradients whose slices are not empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    let [gradient, ..] = gradients;
    let (x, label) = (row.inputs[0], row.label());
    let scale = row.class_weight(label) / T::of(x.len() as f64);
    let slack = |j: usize| {
        if j == label {
            T::ZERO
        } else {
            (row.parameter + (x[j] - x[label])).max(T::ZERO)
        }
    };
    let violations = row::sum(
        x.len(),
        |j| {
            if slack(j) > T::ZERO { T::ONE } else { T::ZERO }
        },
    );
    for (j, dx) in gradient.iter_mut().enumerate() {
        let slope = if j == label {
            -violations
        } else if slack(j) > T::ZERO {
            T::ONE
        } else {
            T::ZERO
        };
        *dx = row.factor * (scale * slope);
    }
    scale * row::sum(x.len(), slack)
}
