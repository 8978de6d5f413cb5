//! The interface of a kernel.

use super::args::Args;
use super::binding::Binding;
use super::program::{Capabilities, Program};
use super::real::Real;

/// The interface of every kernel: its description, its GPU program and its CPU twin.
pub(crate) trait Compute {
    /// A short name for listings, with the settings that distinguish variants: `matmul NT 64x512x784 +bias relu`.
    fn label(&self) -> String;
    /// The storage bindings, in the order of the arguments.
    fn bindings(&self) -> Vec<Binding>;
    /// The shader text, parameter block and number of workgroups for a GPU.
    fn program(&self, capabilities: &Capabilities) -> Program;
    /// Floating-point operations of one run; a fused multiply-add counts two.
    fn flops(&self) -> u64;
    /// Runs the kernel on the CPU.
    fn run<T: Real>(&self, args: &mut Args<'_, '_, T>);
}
