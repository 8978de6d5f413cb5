//! How to compute it: a flat list of kernel calls over numbered buffers.
//!
//! A [`Plan`] is plain data. It is made from a graph and a batch size by [`lower`], which also fuses calls and lets
//! values that do not live at the same time share a buffer. Both executors run it.
//!
//! # What varies by step
//!
//! A training step has no argument: what varies lies in small buffers on the device, so that steps can follow each other
//! without the host.
//!
//! - The **step table** holds, at entry A modulo its length, the step's values (the learning rate and factors of the
//!   optimizer's) and where the batch begins among the shuffled indices. The host fills it ahead of each submit.
//! - The **state** is twelve words: the step counter A; B = A + 1; the non-finite guard; whether the steps to come need care
//!   (see [`crate::kernel::base::guard`]); the step's values; the high half of the step counter, which the host writes; three spare.
//!   Gather and loss read A, and one invocation of the gather copies the values from the table; where there is none, the
//!   host writes them. One invocation of the loss writes B, the update reads B and the values, and one of its invocations
//!   writes A = B. So within a dispatch nobody reads what another writes.
//! - The **metric ring** takes, at place A modulo its length, what the step has to report: sums of losses and correct
//!   rows, and where asked for the sums of squared gradients. The host reads it late.
//! - The **guard** is all ones until a kernel finds a NaN or an infinity: in the loss, and it writes 0; in a parameter's
//!   gradient, and it writes the gradient's place in the plan, from 1. The lowest wins, which is where it arose. While
//!   the guard is set, updates change nothing, the counter included.
//! - The lengths of table and ring are powers of two: so the place of a step is the same whether all 64 bits of its number
//!   are taken, as the host does, or the lowest 32, as the device does.

mod arena;
mod emit;
mod emit_update;
mod fuse;
mod guards;
mod inspect;
mod lower;
mod lower_bound;
mod operand;
mod ring;
mod running;
mod slots;

pub(crate) use arena::{Arena, Place};
pub(crate) use emit_update::gradient_parts;
pub(crate) use guards::{Guarded, guarded_name};
pub(crate) use inspect::{Inspected, What, inspected};
pub(crate) use lower::{GatherSource, PlanSpec, Task, Training, lower};
pub(crate) use ring::{class_weights, loss_sums, term_sums};
pub(crate) use running::running_places;

use crate::kernel::base::matrix::ALIGNMENT;
use crate::kernel::base::program::Element;
use crate::kernel::{Compute, Kernel};
use lower_bound::Cost;
use std::fmt;

/// What a buffer is for. Plans of one network share the buffers of equal role, but for slots these keep their contents
/// from run to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// Segments of the parameter arena, and of the arenas beside it.
    Parameters(usize),
    Gradients(usize),
    /// The gradients that are asked for outside of training.
    Derivatives(usize),
    Moments(usize),
    /// Sums of gradients over micro-batches.
    Accumulated(usize),
    /// Moving averages of the parameters.
    Average(usize),
    /// Factors of the optimizer's coefficients.
    Factors(usize),
    /// The parameters before an inspected step, and what it measured.
    Previous(usize),
    Measures,
    State(Clock),
    StepTable(Clock),
    Metrics(Clock),
    /// Sums of squared gradients, by step.
    GradientNorms,
    /// A resident data set: its samples, labels, target values, and the order to take them in.
    Samples(Clock),
    SampleLabels(Clock),
    SampleTargets(Clock),
    Indices(Clock),
    /// The batch.
    Input,
    Labels,
    Targets,
    /// The class weights of the losses, one vector after the other.
    ClassWeights,
    /// Running statistics of batch normalisations, and what a step makes of them.
    Running,
    NextRunning,
    /// Values within a step.
    Slot(usize),
}

impl Role {
    /// Whether each call writes the contents that it reads, or brings them again when they are gone: such a buffer may be
    /// given up between calls.
    pub(crate) fn is_scratch(self) -> bool {
        match self {
            Role::Derivatives(_)
            | Role::Previous(_)
            | Role::Measures
            | Role::State(Clock::Evaluation)
            | Role::StepTable(Clock::Evaluation)
            | Role::Metrics(Clock::Evaluation)
            | Role::Samples(_)
            | Role::SampleLabels(_)
            | Role::SampleTargets(_)
            | Role::Indices(_)
            | Role::Input
            | Role::Labels
            | Role::Targets
            | Role::Slot(_) => true,
            Role::Parameters(_)
            | Role::Gradients(_)
            | Role::Moments(_)
            | Role::Accumulated(_)
            | Role::Average(_)
            | Role::Factors(_)
            | Role::State(Clock::Training)
            | Role::StepTable(Clock::Training)
            | Role::Metrics(Clock::Training)
            | Role::GradientNorms
            | Role::ClassWeights
            | Role::Running
            | Role::NextRunning => false,
        }
    }
}

/// Training and evaluation count their steps apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Clock {
    Training,
    Evaluation,
}

/// One buffer of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BufferSpec {
    pub(crate) role: Role,
    pub(crate) element: Element,
    /// Length in floats or words.
    pub(crate) len: usize,
}

impl BufferSpec {
    /// The elements that executors make room for: a buffer is never empty, and ends as tensors begin.
    pub(crate) fn elements(&self) -> usize {
        self.len.max(1).next_multiple_of(ALIGNMENT)
    }

    /// The same in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        4 * self.elements() as u64
    }
}

/// A part of a buffer, as a kernel's argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    /// Number of the buffer in the plan.
    pub(crate) buffer: usize,
    /// In floats or words; a multiple of 64.
    pub(crate) offset: usize,
    pub(crate) len: usize,
}

/// One dispatch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) kernel: Kernel,
    /// In the order of the kernel's bindings.
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
    /// Where the result lies, for plans that have one.
    pub(crate) output: Option<Region>,
    /// The tensor of each id of the non-finite guard, from id 1 on: in the order of the calls.
    pub(crate) guards: Vec<Guarded>,
    /// A lower bound of the work.
    pub(crate) lower_bound: Cost,
}

impl Plan {
    /// Rows of the batch it is compiled for.
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

    /// The least bytes that the work needs: each operand and result of each matrix product once, and each number of
    /// parameters, gradients and moments once, without padding.
    pub fn least_bytes(&self) -> u64 {
        self.lower_bound.bytes
    }

    /// The least floating-point operations that the work needs: those of the products and of the update.
    pub fn least_flops(&self) -> u64 {
        self.lower_bound.flops
    }

    /// Bytes of all buffers together, as they are allocated: parameters, values within the step, and, in training, gradients,
    /// moments, tables. Other plans of the network share them, and add what they need beside. The calls' parameter
    /// blocks are not among them, usually 256 bytes a call.
    pub fn bytes_allocated(&self) -> u64 {
        self.buffers.iter().map(BufferSpec::bytes).sum()
    }

    /// The number of the buffer with this role.
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
            "batch {}: {} dispatches, {} flop (least {}), {} B moved (least {}), {} B allocated in {} buffers",
            self.batch,
            self.dispatches(),
            self.flops(),
            self.least_flops(),
            self.bytes_moved(),
            self.least_bytes(),
            self.bytes_allocated(),
            self.buffers.len()
        )
    }
}
