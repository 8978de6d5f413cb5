//! Functions of exp that neither overflow nor cancel: the WGSL for activations and criteria that use them, and what
//! their CPU twins share. `exp_m1`, `ln_1p` and `tanh` of [`Real`] are the twins of the rest.

use crate::kernel::base::Real;

/// The WGSL text.
pub(crate) const SOURCE: &str = include_str!("../../../shaders/activation/exponentials.wgsl");

/// σ(z) = 1/(1 + exp(−z)), from exp(−|z|), which cannot overflow.
pub(crate) fn logistic<T: Real>(z: T) -> T {
    let e = (-z.abs()).exp();
    let r = T::ONE / (T::ONE + e);
    if z >= T::ZERO { r } else { e * r }
}
