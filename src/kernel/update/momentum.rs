//! The rule of [`Sgd`](super::Sgd) with momentum: v ← μv + first·g; w ← w − rate·v, or w − rate·(second·g + μv) in
//! Nesterov's form. PyTorch's form has η in the rate; the classical form has it in the other two.

use super::{Part, Penalty, StepValues};
use crate::kernel::Real;

pub(crate) const SOURCE: &str = include_str!("../../../shaders/update/momentum.wgsl");

#[inline(always)]
pub(crate) fn run<T: Real>(
    part: Part<'_, T>,
    penalty: Penalty<T>,
    [momentum, ..]: [T; 8],
    nesterov: bool,
    step: StepValues<T>,
) -> u32 {
    let mut seen = 0;
    let [velocities, ..] = part.moments;
    for ((w, &g), velocity) in part.weights.iter_mut().zip(part.gradients).zip(velocities) {
        let g = penalty.gradient(g, *w);
        let v = momentum * *velocity + step.first * g;
        *velocity = v;
        *w = *w
            - step.rate
                * if nesterov {
                    step.second * g + momentum * v
                } else {
                    v
                };
        seen |= w.bits();
    }
    seen
}
