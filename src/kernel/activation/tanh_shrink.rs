//! Tanh shrink: y = z − tanh z. Below |z| = 1 it is computed as (z·cosh z − sinh z)/cosh z, a series of positive terms,
//! which does not cancel.

use super::{Traits, exponentials};
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "tanh_shrink",
    sources: [
        exponentials::SOURCE,
        include_str!("../../../shaders/activation/tanh_shrink.wgsl"),
    ],
    derivative_needs_z: true,
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    if z.abs() >= T::ONE {
        return z - z.tanh();
    }
    // Σ z²ᵏ⁺¹·2k/(2k + 1)! from k = 1, the last term first.
    let s = z * z;
    let sum = (1..10).rev().fold(T::ZERO, |sum, k| {
        let k = f64::from(k);
        // The ratio of the terms k + 1 and k without z².
        T::ONE + sum * s * T::of((k + 1.0) / (k * (2.0 * k + 2.0) * (2.0 * k + 3.0)))
    });
    let cosh = T::of(0.5) * (z.exp() + (-z).exp());
    z * s * sum / (T::of(3.0) * cosh)
}

/// tanh² z.
pub(super) fn df<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    let t = z.tanh();
    t * t
}
