//! GRU: r, u = σ(z), a = V·h₋₁ + d, n = tanh(z + r ⊙ a), h = (1 − u) ⊙ n + u ⊙ h₋₁. Saved: r, u, n, a, h₋₁. Backward,
//! u ⊙ dh is carried. The gate n of the recurrent product has the factor r, so its gradient differs from that of the
//! input product.

use super::units::{Backward, Forward, logistic, parts, parts_mut};
use crate::kernel::base::Real;
use crate::kernel::base::simd::Vectorized;

pub(super) const FORWARD: &str = include_str!("../../../shaders/recurrent/cell/gru.wgsl");
pub(super) const BACKWARD: &str = include_str!("../../../shaders/recurrent/cell/gru_backward.wgsl");
pub(super) const INITIAL: &str = include_str!("../../../shaders/recurrent/cell/gru_initial.wgsl");

/// One step of one sample.
pub(super) struct GruForward<'a, T>(pub(super) Forward<'a, T>);

impl<T: Real> Vectorized for GruForward<'_, T> {
    const WIDE: bool = true;

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Forward {
            hidden,
            inputs,
            product,
            bias,
            h,
            next,
            saved,
            ld,
            ..
        } = self.0;
        let z: [&[T]; 3] = parts(inputs, hidden, hidden);
        let v: [&[T]; 3] = parts(product, hidden, hidden);
        let d: [&[T]; 3] = parts(bias, hidden, hidden);
        let [r, update, n, a, before]: [&mut [T]; 5] = parts_mut(saved, ld, hidden);
        before.copy_from_slice(&h[..hidden]);
        let next = &mut next[..hidden];
        for u in 0..hidden {
            r[u] = logistic(z[0][u] + d[0][u] + v[0][u]);
        }
        for u in 0..hidden {
            update[u] = logistic(z[1][u] + d[1][u] + v[1][u]);
        }
        for u in 0..hidden {
            a[u] = d[2][u] + v[2][u];
            n[u] = (z[2][u] + r[u] * a[u]).quick_tanh();
            next[u] = n[u] + update[u] * (before[u] - n[u]);
        }
    }
}

/// One step of one sample backward.
pub(super) struct GruBackward<'a, T>(pub(super) Backward<'a, T>);

impl<T: Real> Vectorized for GruBackward<'_, T> {
    const WIDE: bool = true;

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Backward {
            hidden,
            dh,
            saved,
            ld,
            carry,
            dz,
            dinputs,
            ..
        } = self.0;
        let [r, update, n, a, h]: [&[T]; 5] = parts(saved, ld, hidden);
        let [dr, du, dn]: [&mut [T]; 3] = parts_mut(dz, hidden, hidden);
        let [input_dr, input_du, input_dn]: [&mut [T]; 3] = parts_mut(dinputs, hidden, hidden);
        let dh = &dh[..hidden];
        let carry = &mut carry[..hidden];
        for u in 0..hidden {
            let dtanh = dh[u] * (T::ONE - update[u]) * (T::ONE - n[u] * n[u]);
            input_dn[u] = dtanh;
            dn[u] = dtanh * r[u];
            dr[u] = dtanh * a[u] * (r[u] * (T::ONE - r[u]));
            du[u] = dh[u] * (h[u] - n[u]) * (update[u] * (T::ONE - update[u]));
            carry[u] = dh[u] * update[u];
        }
        input_dr.copy_from_slice(dr);
        input_du.copy_from_slice(du);
    }
}
