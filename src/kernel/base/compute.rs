//! What a kernel is.

use super::args::Args;
use super::program::{Binding, Capabilities, Program};
use super::real::Real;

/// What every kernel can say of itself and do.
pub(crate) trait Compute {
    /// A short name for listings, with what tells it from its siblings: `matmul NT 64x512x784 +bias relu`.
    fn label(&self) -> String;
    /// Its storage bindings, in the order of its arguments.
    fn bindings(&self) -> Vec<Binding>;
    /// The shader text, parameter block and number of workgroups for a GPU.
    fn program(&self, capabilities: &Capabilities) -> Program;
    /// Floating-point operations of one run; a fused multiply-add counts two.
    fn flops(&self) -> u64;
    /// Runs on the CPU.
    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>);
}
