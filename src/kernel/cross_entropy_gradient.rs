//! The gradient that softmax cross-entropy writes in training: dz[j] = scale · (softmax(z)ⱼ − [j = label]).

use super::Real;

pub(crate) const SOURCE: &str = include_str!("../../shaders/cross_entropy_gradient.wgsl");
/// What stands in for the file where only the loss is wanted.
pub(crate) const NONE: &str = "fn write_gradient(i: u32, value: vec4<f32>) {}\n";

/// One row: `max` and `sum` are the row's greatest logit and Σ exp(z − max); `dz` has the padding too.
pub(crate) fn run<T: Real>(z: &[T], label: usize, max: T, sum: T, scale: T, dz: &mut [T]) {
    let (values, padding) = dz.split_at_mut(z.len());
    for (j, (dz, &z)) in values.iter_mut().zip(z).enumerate() {
        let one_hot = if j == label { T::ONE } else { T::ZERO };
        *dz = scale * ((z - max).exp() / sum - one_hot);
    }
    padding.fill(T::ZERO);
}
