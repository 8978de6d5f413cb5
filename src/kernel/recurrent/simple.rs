//! Simple recurrent networks (Elman 1990): h = f(z + V·h₋₁ + d), f tanh or ReLU. The backward pass needs h alone.

use super::units::{Backward, Forward};
use crate::kernel::base::Real;
use crate::kernel::base::simd::Vectorized;

pub(super) const TANH: &str = include_str!("../../../shaders/recurrent/cell/tanh.wgsl");
pub(super) const RELU: &str = include_str!("../../../shaders/recurrent/cell/relu.wgsl");
pub(super) const TANH_BACKWARD: &str =
    include_str!("../../../shaders/recurrent/cell/tanh_backward.wgsl");
pub(super) const RELU_BACKWARD: &str =
    include_str!("../../../shaders/recurrent/cell/relu_backward.wgsl");
pub(super) const INITIAL: &str =
    include_str!("../../../shaders/recurrent/cell/simple_initial.wgsl");

/// One step of one sample; `RELU` or tanh.
pub(super) struct SimpleForward<'a, T, const RELU: bool>(pub(super) Forward<'a, T>);

impl<T: Real, const RELU: bool> Vectorized for SimpleForward<'_, T, RELU> {
    const WIDE: bool = true;

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Forward {
            hidden,
            inputs,
            product,
            bias,
            next,
            ..
        } = self.0;
        let (z, v, d) = (&inputs[..hidden], &product[..hidden], &bias[..hidden]);
        let next = &mut next[..hidden];
        for u in 0..hidden {
            let z = z[u] + d[u] + v[u];
            next[u] = match RELU {
                true if z < T::ZERO => T::ZERO,
                true => z,
                false => z.quick_tanh(),
            };
        }
    }
}

/// One step of one sample backward.
pub(super) struct SimpleBackward<'a, T, const RELU: bool>(pub(super) Backward<'a, T>);

impl<T: Real, const RELU: bool> Vectorized for SimpleBackward<'_, T, RELU> {
    const WIDE: bool = true;

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Backward {
            hidden,
            dh,
            saved,
            dz,
            ..
        } = self.0;
        let (dh, y) = (&dh[..hidden], &saved[..hidden]);
        let dz = &mut dz[..hidden];
        for u in 0..hidden {
            let slope = match RELU {
                true if y[u] > T::ZERO => T::ONE,
                true => T::ZERO,
                false => T::ONE - y[u] * y[u],
            };
            dz[u] = dh[u] * slope;
        }
    }
}
