//! LSTM: i, f, o = σ(z), g = tanh(z), c = f ⊙ c₋₁ + i ⊙ g, h = o ⊙ tanh(c). Saved: i, f, g, o, c, h₋₁. Backward,
//! dc = f₊₁ ⊙ dc₊₁ + dh ⊙ o ⊙ (1 − tanh²(c)); f ⊙ dc is carried.

use super::units::{Backward, Forward, logistic, parts, parts_mut};
use crate::kernel::base::Real;
use crate::kernel::base::simd::Vectorized;

pub(super) const FORWARD: &str = include_str!("../../../shaders/recurrent/cell/lstm.wgsl");
pub(super) const BACKWARD: &str =
    include_str!("../../../shaders/recurrent/cell/lstm_backward.wgsl");
pub(super) const INITIAL: &str = include_str!("../../../shaders/recurrent/cell/lstm_initial.wgsl");

/// One step of one sample.
pub(super) struct LstmForward<'a, T>(pub(super) Forward<'a, T>);

impl<T: Real> Vectorized for LstmForward<'_, T> {
    const WIDE: bool = true;

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Forward {
            hidden,
            inputs,
            product,
            bias,
            h,
            c,
            next,
            saved,
            ld,
            ..
        } = self.0;
        let z: [&[T]; 4] = parts(inputs, hidden, hidden);
        let v: [&[T]; 4] = parts(product, hidden, hidden);
        let d: [&[T]; 4] = parts(bias, hidden, hidden);
        let [i, f, g, o, cell, before]: [&mut [T]; 6] = parts_mut(saved, ld, hidden);
        before.copy_from_slice(&h[..hidden]);
        let c = &c[..hidden];
        let next = &mut next[..hidden];
        for u in 0..hidden {
            i[u] = logistic(z[0][u] + d[0][u] + v[0][u]);
        }
        for u in 0..hidden {
            f[u] = logistic(z[1][u] + d[1][u] + v[1][u]);
        }
        for u in 0..hidden {
            g[u] = (z[2][u] + d[2][u] + v[2][u]).quick_tanh();
        }
        for u in 0..hidden {
            o[u] = logistic(z[3][u] + d[3][u] + v[3][u]);
        }
        for u in 0..hidden {
            cell[u] = f[u] * c[u] + i[u] * g[u];
            next[u] = o[u] * cell[u].quick_tanh();
        }
    }
}

/// One step of one sample backward.
pub(super) struct LstmBackward<'a, T>(pub(super) Backward<'a, T>);

impl<T: Real> Vectorized for LstmBackward<'_, T> {
    const WIDE: bool = true;

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Backward {
            hidden,
            dh,
            saved,
            ld,
            c,
            carry,
            dz,
            ..
        } = self.0;
        let [i, f, g, o, cell]: [&[T]; 5] = parts(saved, ld, hidden);
        let [di, df, dg, d_o]: [&mut [T]; 4] = parts_mut(dz, hidden, hidden);
        let (dh, c) = (&dh[..hidden], &c[..hidden]);
        let carry = &mut carry[..hidden];
        for u in 0..hidden {
            let t = cell[u].quick_tanh();
            let dc = carry[u] + dh[u] * o[u] * (T::ONE - t * t);
            di[u] = dc * g[u] * (i[u] * (T::ONE - i[u]));
            df[u] = dc * c[u] * (f[u] * (T::ONE - f[u]));
            dg[u] = dc * i[u] * (T::ONE - g[u] * g[u]);
            d_o[u] = dh[u] * t * (o[u] * (T::ONE - o[u]));
            carry[u] = dc * f[u];
        }
    }
}
