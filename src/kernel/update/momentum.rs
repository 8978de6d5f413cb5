//! The rule of [`Sgd`](super::Sgd) with momentum: v ← μv + first·g; w ← w − ηv, or w − η(g + μv) in Nesterov's form.

use super::{Part, StepValues};
use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/update/momentum.wgsl");

pub(crate) fn run<T: Real>(
    part: Part<'_, T>,
    l2: T,
    [momentum, ..]: [T; 8],
    nesterov: bool,
    step: StepValues<T>,
) {
    let [velocities, ..] = part.moments;
    for ((w, &g), velocity) in part.weights.iter_mut().zip(part.gradients).zip(velocities) {
        let g = g + l2 * *w;
        let v = momentum * *velocity + step.first * g;
        *velocity = v;
        *w = *w - step.rate * if nesterov { g + momentum * v } else { v };
    }
}
