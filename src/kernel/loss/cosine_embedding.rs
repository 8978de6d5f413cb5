//! Cosine embedding: ℓ = 1 − cos(x, y) where the row's target is 1, max(0, cos(x, y) − margin) where it is −1, else 0.
//! cos = x·y/√((‖x‖² + ε)(‖y‖² + ε)), ε = 10⁻¹²; dcos/dx = y/√(…) − cos · x/(‖x‖² + ε), and the same for y.

use super::row::{self, Row};
use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/loss/cosine_embedding.wgsl");

pub(crate) fn run<T: Real>(row: &Row<'_, T>, gradients: &mut [&mut [T]; 3]) -> T {
    let (x, y) = (row.inputs[0], row.inputs[1]);
    let epsilon = T::of(f64::from(1e-12f32));
    let (xx, yy) = (dot(x, x) + epsilon, dot(y, y) + epsilon);
    // The root of each, since their product may overflow.
    let norms = xx.sqrt() * yy.sqrt();
    let cosine = dot(x, y) / norms;
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
        *dx = row.factor * (slope * (y / norms - cosine / xx * x));
    }
    for (dy, (&x, &y)) in dy.iter_mut().zip(x.iter().zip(y)) {
        *dy = row.factor * (slope * (x / norms - cosine / yy * y));
    }
    loss
}

fn dot<T: Real>(x: &[T], y: &[T]) -> T {
    row::sum(x.len(), |j| x[j] * y[j])
}
