//! Mish: y = z·tanh(ln(1 + exp z)) = z(E² + 2E)/(E² + 2E + 2), E = exp z: sums of positive terms. For z > 0 both are
//! divided by E², so only e = exp(−|z|) occurs.

use super::{Traits, exponentials};
use crate::kernel::base::Real;

pub(super) const TRAITS: Traits = Traits {
    name: "mish",
    sources: [
        exponentials::SOURCE,
        include_str!("../../../shaders/activation/mish.wgsl"),
    ],
    derivative_needs_z: true,
    ..Traits::DEFAULT
};

pub(super) fn f<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    let (n, d, _) = quotient(z);
    z * (n / d)
}

/// n/d + z·4E(1 + E)/(E² + 2E + 2)².
pub(super) fn df<T: Real>(z: T, _alpha: T, _beta: T) -> T {
    let (n, d, e) = quotient(z);
    let right = if z > T::ZERO { e } else { T::ONE };
    n / d + z * (T::of(4.0) * e * (T::ONE + e) * right / (d * d))
}

/// Numerator and denominator of tanh(ln(1 + exp z)), and exp(−|z|).
fn quotient<T: Real>(z: T) -> (T, T, T) {
    let two = T::of(2.0);
    let e = (-z.abs()).exp();
    if z > T::ZERO {
        let n = T::ONE + two * e;
        (n, n + two * e * e, e)
    } else {
        let n = e * (e + two);
        (n, n + two, e)
    }
}
