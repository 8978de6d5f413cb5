//! Cosine embedding: ℓ = 1 − cos(x, y) where the row's target is 1, max(0, cos(x, y) − margin) where it is −1, else 0.
//! cos = x·y/√((‖x‖² + ε)(‖y‖² + ε)), ε = 10⁻¹²; dcos/dx = y/√(…) − cos · x/(‖x‖² + ε), and the same for y.

use crate::Error;
use crate::kernel::base::Real;
use crate::kernel::loss::row::{self, Row};
use crate::kernel::loss::traits::{Target, Traits};

/// Properties for the kernel and the trainer.
pub(super) const TRAITS: Traits = Traits {
    name: "cosine embedding",
    sources: &[include_str!(
        "../../../../shaders/loss/cosine_embedding.wgsl"
    )],
    other_inputs: &["y"],
    target: Target::OnePerRow,
    is_by_row: true,
    off_target: -1.0,
    check: |margin| {
        if (-1.0..=1.0).contains(&margin) {
            return Ok(());
        }
        let what = "the margin of a cosine";
        Err(Error::argument(what, "from -1 to 1", margin))
    },
    ..Traits::ROW
};

/// Returns the loss of one row. Writes the gradients whose slices are not empty.
pub(super) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    let (x, y) = (row.inputs[0], row.inputs[1]);
    let epsilon = T::of(f64::from(1e-12f32));
    // Large vectors are scaled down, so that no square overflows. The scales are powers of two, usually 1.
    let (scale_x, scale_y) = (scale(x), scale(y));
    let dot = |(x, a): (&[T], T), (y, b): (&[T], T)| row::sum(x.len(), |j| (a * x[j]) * (b * y[j]));
    let xx = dot((x, scale_x), (x, scale_x)) + epsilon * scale_x * scale_x;
    let yy = dot((y, scale_y), (y, scale_y)) + epsilon * scale_y * scale_y;
    // The roots are taken separately, since the product may overflow.
    let norms = xx.sqrt() * yy.sqrt();
    let cosine = dot((x, scale_x), (y, scale_y)) / norms;
    let (target, margin) = (row.row_target(), row.parameter);
    let (loss, slope) = if !cosine.is_finite() {
        (cosine, T::ZERO)
    } else if target == T::ONE {
        (T::ONE - cosine, -T::ONE)
    } else if target == -T::ONE && cosine >= margin {
        (cosine - margin, T::ONE)
    } else {
        (T::ZERO, T::ZERO)
    };
    let [dx, dy, _] = gradients;
    for (dx, (&x, &y)) in dx.iter_mut().zip(x.iter().zip(y)) {
        let (x, y) = (scale_x * x, scale_y * y);
        *dx = row.factor * (slope * (y / norms - cosine / xx * x) * scale_x);
    }
    for (dy, (&x, &y)) in dy.iter_mut().zip(x.iter().zip(y)) {
        let (x, y) = (scale_x * x, scale_y * y);
        *dy = row.factor * (slope * (x / norms - cosine / yy * y) * scale_y);
    }
    loss
}

/// Scale of a vector: 1 over the power of two of its largest magnitude, at most 1.
fn scale<T: Real>(x: &[T]) -> T {
    let max_abs = x.iter().fold(T::ONE, |most, x| most.max(x.abs()));
    T::ONE / row::binade(max_abs)
}
