//! Step values and penalties: the inputs of a rule besides weights, gradients and moments.

use crate::kernel::base::Real;
use crate::kernel::base::state::ENTRY_WORDS;

/// The values of a rule that change from step to step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct StepValues<T> {
    /// Learning rate.
    pub(crate) rate: T,
    /// Three factors whose meaning the rule defines.
    pub(crate) first: T,
    pub(crate) second: T,
    pub(crate) third: T,
}

impl StepValues<f32> {
    /// An entry of the step table: the values, and the index of the batch's first sample.
    pub(crate) fn entry(self, offset: u32) -> [u32; ENTRY_WORDS] {
        let [rate, first, second, third] = self.words();
        [rate, first, second, third, offset, 0, 0, 0]
    }

    /// The bits of the four values, as an entry and the state hold them.
    pub(crate) fn words(self) -> [u32; 4] {
        [self.rate, self.first, self.second, self.third].map(f32::to_bits)
    }
}

/// Coefficients of the penalties on the weights. The derivatives of L2 and L1 are added to the gradient. The rules
/// apply the decoupled weight decay of AdamW themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Penalty<T> {
    pub(crate) l2: T,
    pub(crate) l1: T,
    pub(crate) decoupled: T,
}

impl Penalty<f32> {
    pub(super) fn widen<T: Real>(self) -> Penalty<T> {
        Penalty {
            l2: T::of(self.l2.into()),
            l1: T::of(self.l1.into()),
            decoupled: T::of(self.decoupled.into()),
        }
    }
}

impl<T: Real> Penalty<T> {
    /// g + λ₂w + λ₁·sign(w).
    #[inline(always)]
    pub(super) fn gradient(self, g: T, w: T) -> T {
        g + self.l2 * w + self.l1 * w.sign()
    }
}
