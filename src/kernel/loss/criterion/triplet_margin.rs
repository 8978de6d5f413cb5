//! Triplet margin: ℓ = max(0, ‖x − p + ε‖ − ‖x − n + ε‖ + margin), ε = 10⁻⁶ added to every element.
//! dx = factor · (u − v), dp = −factor · u, dn = factor · v, with u and v the differences over their norms, or 0
//! where a norm is 0. All gradients are 0 where the loss is 0.

use crate::kernel::base::Real;
use crate::kernel::loss::row::{self, Row};
use crate::kernel::loss::traits::{Target, Traits, check_above_zero};

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "triplet margin",
    sources: &[include_str!("../../../../shaders/loss/triplet_margin.wgsl")],
    other_inputs: &["positive", "negative"],
    target: Target::Nothing,
    is_by_row: true,
    check: |margin| check_above_zero("a margin", margin),
    ..Traits::ROW
};

/// Returns the loss of one row. Writes the gradients whose slices are not empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    let [x, positive, negative] = row.inputs;
    let epsilon = T::of(f64::from(1e-6f32));
    // Differences are scaled, so that their squares neither overflow nor underflow. The maximum passes over NaN, which
    // is fine: it only sets the scale, and the sum of squares contains every difference.
    let distance = |other: &[T]| {
        let difference = |j: usize| x[j] - other[j] + epsilon;
        let max_abs = (0..x.len()).fold(T::ZERO, |most, j| most.max(difference(j).abs()));
        let unit = row::binade(max_abs);
        let scale = T::ONE / unit;
        let square = |j: usize| {
            let d = scale * difference(j);
            d * d
        };
        unit * row::sum(x.len(), square).sqrt()
    };
    let (near, far) = (distance(positive), distance(negative));
    let loss = near - far + row.parameter;
    // 1 over a distance; 0 for a distance of 0, which has no direction.
    let scale = |distance: T| {
        if loss >= T::ZERO && distance > T::ZERO {
            T::ONE / distance
        } else {
            T::ZERO
        }
    };
    let (toward, away) = (scale(near), scale(far));
    let [dx, dp, dn] = gradients;
    for (j, &x) in x.iter().enumerate().take(dx.len()) {
        let pull = toward * (x - positive[j] + epsilon);
        let push = away * (x - negative[j] + epsilon);
        dx[j] = row.factor * (pull - push);
        dp[j] = row.factor * -pull;
        dn[j] = row.factor * push;
    }
    if loss < T::ZERO { T::ZERO } else { loss }
}
