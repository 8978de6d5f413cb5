//! Functions of exp without overflow or cancellation: the WGSL for the activations and criteria that use them, and a
//! CPU twin. The twins of the other functions are `exp_m1`, `ln_1p` and `tanh` of [`Real`].

use crate::kernel::base::Real;

/// The WGSL source.
pub(crate) const SOURCE: &str = include_str!("../../../shaders/activation/exponentials.wgsl");

/// σ(z) = 1/(1 + exp(−z)), from exp(−|z|), which cannot overflow.
pub(crate) fn logistic<T: Real>(z: T) -> T {
    let e = (-z.abs()).exp();
    let r = T::ONE / (T::ONE + e);
    if z >= T::ZERO { r } else { e * r }
}
