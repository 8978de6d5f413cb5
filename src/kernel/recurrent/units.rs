//! Units of one sample's step, as the CPU twins of the cells see them.

use crate::kernel::base::Real;

/// Operands of a step forward. Gates are [G·H], vectors [H].
pub(super) struct Forward<'a, T> {
    pub(super) hidden: usize,
    /// x·Wᵀ + b.
    pub(super) inputs: &'a [T],
    /// h₋₁·Vᵀ.
    pub(super) product: &'a [T],
    /// d.
    pub(super) bias: &'a [T],
    /// h₋₁.
    pub(super) h: &'a [T],
    /// c₋₁ of an LSTM.
    pub(super) c: &'a [T],
    /// The next h.
    pub(super) next: &'a mut [T],
    /// Saved values, each of `ld` units.
    pub(super) saved: &'a mut [T],
    pub(super) ld: usize,
}

/// Operands of a step backward.
pub(super) struct Backward<'a, T> {
    pub(super) hidden: usize,
    /// Gradient of h.
    pub(super) dh: &'a [T],
    /// Saved values; h of a simple network.
    pub(super) saved: &'a [T],
    pub(super) ld: usize,
    /// c₋₁ of an LSTM.
    pub(super) c: &'a [T],
    /// Value that is carried from step to step; at the last step of a sample, the gradient of c by way of the final
    /// state.
    pub(super) carry: &'a mut [T],
    /// Gradients of the gates [G·H]: of the recurrent product, and of the input product if it differs.
    pub(super) dz: &'a mut [T],
    pub(super) dinputs: &'a mut [T],
}

/// σ(z) = 1/(1 + exp(−z)), from exp(−|z|), in a form that compiles to vector instructions.
#[inline(always)]
pub(super) fn logistic<T: Real>(z: T) -> T {
    let e = (-z.abs()).quick_exp();
    let r = T::ONE / (T::ONE + e);
    if z >= T::ZERO { r } else { e * r }
}

/// The N parts of a slice, each `step` after the one before and `len` long.
#[inline(always)]
pub(super) fn parts<T, const N: usize>(slice: &[T], step: usize, len: usize) -> [&[T]; N] {
    std::array::from_fn(|i| &slice[i * step..][..len])
}

/// The N mutable parts of a slice, each `step` after the one before and `len` long.
#[inline(always)]
pub(super) fn parts_mut<T, const N: usize>(
    slice: &mut [T],
    step: usize,
    len: usize,
) -> [&mut [T]; N] {
    let mut rest = slice;
    std::array::from_fn(|_| {
        let end = step.min(rest.len());
        let (part, tail) = std::mem::take(&mut rest).split_at_mut(end);
        rest = tail;
        &mut part[..len]
    })
}
