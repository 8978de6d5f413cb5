//! The CPU's vector instructions: code that is compiled once for each set of them, of which the widest that this CPU
//! has is taken when it runs. No sum depends on which.

use pulp::{Arch, Simd, WithSimd};

/// Work for [`vectorized`]. `run` and what it calls must be `#[inline(always)]`, else it is compiled without them.
pub(crate) trait Vectorized {
    /// `FUSED` says whether a fused multiply-add is an instruction here: elsewhere it is a function that is slow.
    fn run<const FUSED: bool>(self);
}

/// Runs the work with the widest vectors of this CPU.
pub(crate) fn vectorized(work: impl Vectorized) {
    Arch::new().dispatch(Work(work));
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
