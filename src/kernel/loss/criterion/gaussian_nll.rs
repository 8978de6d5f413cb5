//! Gaussian negative log-likelihood: ℓ = Σⱼ ½(ln v + d²/v), d = x − t, v the variance, raised to 10⁻⁶ where it is
//! smaller. dx = factor · d/v; dv = factor · ½(1/v − d²/v²), or 0 where v was raised, as the loss is flat there.

use crate::kernel::base::Real;
use crate::kernel::loss::row::{self, Row};
use crate::kernel::loss::traits::Traits;

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "Gaussian NLL",
    sources: &[include_str!("../../../../shaders/loss/gaussian_nll.wgsl")],
    other_inputs: &["variances"],
    threshold: 0.5,
    ..Traits::ROW
};

/// Returns the loss of one row. Writes the gradients whose slices are not empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    let (x, variances) = (row.inputs[0], row.inputs[1]);
    let (half, min_variance) = (T::of(0.5), T::of(f64::from(1e-6f32)));
    let [dx, dv, _] = gradients;
    row::sum(x.len(), |j| {
        let v = variances[j].max(min_variance);
        let d = x[j] - row.target(j);
        let ratio = d / v;
        if let (Some(dx), Some(dv)) = (dx.get_mut(j), dv.get_mut(j)) {
            *dx = row.factor * ratio;
            *dv = if variances[j] < min_variance {
                T::ZERO
            } else {
                row.factor * (half * (T::ONE / v - ratio * ratio))
            };
        }
        half * (v.ln() + d * ratio)
    })
}
