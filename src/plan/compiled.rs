//! A compiled plan: kernel calls over numbered buffers, with their cost.

use super::guards::Guarded;
use super::role::Role;
use crate::kernel::base::binding::Scalar;
use crate::kernel::base::matrix::aligned;
use crate::kernel::{Compute, Kernel};
use std::fmt;

/// Bytes and floating-point operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) bytes: u64,
    pub(crate) flops: u64,
}

/// One buffer of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BufferSpec {
    pub(crate) role: Role,
    pub(crate) scalar: Scalar,
    /// Length in elements (floats or words).
    pub(crate) len: usize,
}

impl BufferSpec {
    /// Elements to allocate: at least one, rounded up to the alignment of tensors.
    pub(crate) fn elements(&self) -> usize {
        aligned(self.len.max(1))
    }

    /// Bytes to allocate.
    pub(crate) fn bytes(&self) -> u64 {
        4 * self.elements() as u64
    }
}

/// A part of a buffer, as a kernel's argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    /// Index of the buffer in the plan.
    pub(crate) buffer: usize,
    /// Offset in elements (floats or words); a multiple of 64.
    pub(crate) offset: usize,
    pub(crate) len: usize,
}

/// One dispatch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) kernel: Kernel,
    /// The arguments, in the order of the kernel's bindings.
    pub(crate) args: Vec<Region>,
}

/// A compiled step: kernel calls over numbered buffers, as plain data.
///
/// Its [`Display`](fmt::Display) form lists every call with its cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub(crate) batch: usize,
    pub(crate) buffers: Vec<BufferSpec>,
    pub(crate) calls: Vec<Call>,
    /// The region of the result, for plans that have one.
    pub(crate) output: Option<Region>,
    /// The tensor of each id of the non-finite guard, from id 1 on, in the order of the calls.
    pub(crate) guards: Vec<Guarded>,
    /// A lower bound of the work.
    pub(crate) lower_bound: Cost,
}

impl Plan {
    /// Rows of the batch that the plan is compiled for.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Dispatches of one run.
    pub fn dispatches(&self) -> usize {
        self.calls.len()
    }

    /// Floating-point operations of one run; a fused multiply-add counts two.
    pub fn flops(&self) -> u64 {
        self.calls.iter().map(|call| call.kernel.flops()).sum()
    }

    /// Bytes that one run reads and writes, each argument of each call counted once.
    pub fn bytes_moved(&self) -> u64 {
        self.calls.iter().map(Call::bytes).sum()
    }

    /// A lower bound of the bytes that the work moves: each operand and result of each matrix product once, and each
    /// number of parameters, gradients and moments once, without padding.
    pub fn lower_bound_bytes(&self) -> u64 {
        self.lower_bound.bytes
    }

    /// A lower bound of the floating-point operations of the work: those of the products and of the update.
    pub fn lower_bound_flops(&self) -> u64 {
        self.lower_bound.flops
    }

    /// Allocated bytes of all buffers: parameters, values within the step, and, in training, gradients, moments and
    /// tables. Other plans of the network share these buffers and allocate only what they need in addition. The calls'
    /// parameter blocks, usually 256 bytes a call, are not counted.
    pub fn bytes_allocated(&self) -> u64 {
        self.buffers.iter().map(BufferSpec::bytes).sum()
    }

    /// Index of the buffer with this role.
    pub(crate) fn buffer(&self, role: Role) -> Option<usize> {
        self.buffers.iter().position(|buffer| buffer.role == role)
    }
}

impl Call {
    pub(crate) fn bytes(&self) -> u64 {
        self.args.iter().map(|arg| arg.len as u64 * 4).sum()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, call) in self.calls.iter().enumerate() {
            let (label, flops, bytes) = (call.kernel.label(), call.kernel.flops(), call.bytes());
            writeln!(f, "{i:>3}  {label:<60} {flops:>14} flop {bytes:>12} B")?;
        }
        write!(
            f,
            "batch {}: {} dispatches, {} flop (at least {}), {} B moved (at least {}), {} B allocated in {} buffers",
            self.batch,
            self.dispatches(),
            self.flops(),
            self.lower_bound_flops(),
            self.bytes_moved(),
            self.lower_bound_bytes(),
            self.bytes_allocated(),
            self.buffers.len()
        )
    }
}
