//! What activations make of exp, free of overflow and of cancellation: the WGSL put in front of those that use it, and
//! what their CPU twins share. `exp_m1`, `ln_1p` and `tanh` of [`Real`] are the twins of the rest.

use crate::kernel::Real;

/// The text of an activation's file, with `exponentials.wgsl` in front.
macro_rules! with_exponentials {
    ($file:literal) => {
        concat!(
            include_str!("../../../shaders/activation/exponentials.wgsl"),
            include_str!(concat!("../../../shaders/activation/", $file))
        )
    };
}
pub(crate) use with_exponentials;

/// σ(z) = 1/(1 + exp(−z)), from exp(−|z|), which cannot overflow.
pub(crate) fn logistic<T: Real>(z: T) -> T {
    let e = (-z.abs()).exp();
    let r = T::ONE / (T::ONE + e);
    if z >= T::ZERO { r } else { e * r }
}
