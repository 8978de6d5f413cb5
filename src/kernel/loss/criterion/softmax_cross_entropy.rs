//! Softmax cross-entropy: ℓ = Σⱼ qⱼ·(ln Σₖ exp(xₖ − m) + m − xⱼ), m the row's maximum, q the shares: the target,
//! smoothed by the parameter, times the class weights. dx = factor · (Σₖ qₖ · softmax(x) − q).

use crate::Error;
use crate::kernel::base::Real;
use crate::kernel::base::ranges::check_not_negative;
use crate::kernel::loss::row::{self, Goal, Row};
use crate::kernel::loss::traits::{ClassWeights, Traits};

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "softmax cross-entropy",
    sources: &[include_str!(
        "../../../../shaders/loss/softmax_cross_entropy.wgsl"
    )],
    is_by_row: true,
    class_weights: ClassWeights::OfRows,
    is_by_class: true,
    has_classes: true,
    smooths: true,
    check: |smoothing| {
        check_not_negative("label smoothing", smoothing.into())?;
        if smoothing > 1.0 {
            return Err(Error::argument("label smoothing", "from 0 to 1", smoothing));
        }
        Ok(())
    },
    ..Traits::ROW
};

/// Returns the loss of one row. Writes the gradients whose slices are not empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    let [gradient, ..] = gradients;
    let z = row.inputs[0];
    let smoothing = row.parameter;
    let (sharp, even) = (T::ONE - smoothing, smoothing / T::of(z.len() as f64));
    let share = |j: usize| row.class_weight(j) * (sharp * row.target(j) + even);
    let max = z[1..].iter().fold(z[0], |max, &z| max.max(z));
    let sum = row::sum(z.len(), |j| {
        let power = (z[j] - max).exp();
        if let Some(dz) = gradient.get_mut(j) {
            *dz = power;
        }
        power
    });
    let (mass, distance) = if matches!(row.goal, Goal::Hot { .. }) && smoothing == T::ZERO {
        let weight = row.class_weight(row.label());
        (weight, weight * (max - z[row.label()]))
    } else {
        // The distance may be infinite where the share is 0.
        let distance = |j: usize| match share(j) {
            share if share == T::ZERO => T::ZERO,
            share => share * (max - z[j]),
        };
        (row::sum(z.len(), share), row::sum(z.len(), distance))
    };
    // They hold the exponentials.
    for (j, dz) in gradient.iter_mut().enumerate() {
        *dz = row.factor * (mass * (*dz / sum) - share(j));
    }
    mass * sum.ln() + distance
}
