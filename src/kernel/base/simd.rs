//! SIMD dispatch: code for `f32` is compiled once for each vector instruction set, and the widest set of the running CPU
//! is selected at run time. No sum depends on the selection.

use pulp::{Arch, Simd, WithSimd};

/// Work for [`Real::vectorized`](super::Real::vectorized). `run` and its callees must be `#[inline(always)]`; otherwise they are compiled without the
/// vector instructions.
pub(crate) trait Vectorized {
    /// `FUSED` is true if fused multiply-add is an instruction on this CPU; without one it is a slow function call.
    fn run<const FUSED: bool>(self);
}

/// Runs the work with the widest vector instructions of this CPU.
pub(super) fn widest(work: impl Vectorized) {
    Arch::new().dispatch(Work(work));
}

/// Runs the work with the instructions that every CPU of the target has.
pub(super) fn baseline(work: impl Vectorized) {
    work.run::<false>();
}

struct Work<V>(V);

impl<V: Vectorized> WithSimd for Work<V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        if S::IS_SCALAR || cfg!(target_family = "wasm") {
            self.0.run::<false>();
        } else {
            self.0.run::<true>();
        }
    }
}
