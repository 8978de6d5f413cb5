//! SIMD dispatch: code for `f32` is compiled once for each vector instruction set, and the widest set of the running CPU
//! is selected at run time. No sum depends on the selection.

use pulp::{Arch, Simd, WithSimd};

/// Work for [`Real::vectorized`](super::Real::vectorized). `run` and its callees must be `#[inline(always)]`; otherwise
/// they are compiled without the vector instructions.
pub(crate) trait Vectorized: Sized {
    /// Whether [`run_wide`](Vectorized::run_wide) is compiled. What does little but move data gains nothing from it.
    const WIDE: bool = false;
    /// `FUSED` is true if fused multiply-add is an instruction on this CPU; without one it is a slow function call.
    fn run<const FUSED: bool>(self);
    /// The same with 32 vector registers of 16 `f32` (AVX-512), for what keeps a tile of sums in registers.
    #[inline(always)]
    fn run_wide(self) {
        self.run::<true>();
    }
}

/// Whether [`run_wide`](Vectorized::run_wide) runs on this CPU.
pub(crate) fn is_wide() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return pulp::x86::V4::is_available();
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
    false
}

/// Runs the work with the widest vector instructions of this CPU.
pub(super) fn widest<V: Vectorized>(work: V) {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if !V::WIDE {
        match pulp::x86::V3::try_new() {
            Some(simd) => Simd::vectorize(simd, Work(work)),
            None => Simd::vectorize(pulp::Scalar::new(), Work(work)),
        }
        return;
    }
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
        } else if S::F32_LANES >= 16 {
            self.0.run_wide();
        } else {
            self.0.run::<true>();
        }
    }
}
