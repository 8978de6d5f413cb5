//! How to compute it: a flat list of kernel calls over numbered buffers.
//!
//! A [`Plan`] is plain data. It is made from a graph and a batch size by [`lower`], which also fuses calls and lets
//! values that do not live at the same time share a buffer. Both executors run it.
//!
//! # What varies by step
//!
//! A training step has no argument: what varies lies in small buffers on the device, so that steps can follow each
//! other without the host.
//!
//! - The **step table** holds, at entry A modulo its length, the step's values (the learning rate and factors of the
//!   optimizer's) and where the batch begins among the shuffled indices. The host fills it ahead of each submit.
//! - The **state** is twelve words: the step counter A; B = A + 1; the non-finite guard; whether the steps to come
//!   need care (see [`crate::kernel::base::guard`]); the step's values; the high half of the step counter, which the
//!   host writes; three spare. Gather and loss read A, and one invocation of the gather copies the values from the
//!   table; where there is none, the host writes them. One invocation of the loss writes B, the update reads B and the
//!   values, and one of its invocations writes A = B. So within a dispatch nobody reads what another writes.
//! - The **metric ring** takes, at place A modulo its length, what the step has to report: sums of losses and correct
//!   rows, and where asked for the sums of squared gradients. The host reads it late.
//! - The **guard** is all ones until a kernel finds a NaN or an infinity: in the loss, and it writes 0; in a
//!   parameter's gradient, and it writes the gradient's place in the plan, from 1. The lowest wins, which is where it
//!   arose. While the guard is set, updates change nothing, the counter included.
//! - The lengths of table and ring are powers of two: so the place of a step is the same whether all 64 bits of its
//!   number are taken, as the host does, or the lowest 32, as the device does.

mod arena;
mod compiled;
mod emit;
mod emit_update;
mod fuse;
mod guards;
mod inspect;
mod lower;
mod lower_bound;
mod operand;
mod ring;
mod role;
mod running;
mod slots;
mod spec;

pub(crate) use arena::{Arena, Place};
pub use compiled::Plan;
pub(crate) use compiled::{BufferSpec, Call};
pub(crate) use emit_update::gradient_parts;
pub(crate) use guards::{Guarded, guarded_name};
pub(crate) use inspect::{Inspected, What, inspected};
pub(crate) use lower::lower;
pub(crate) use ring::{class_weights, loss_sums, term_sums};
pub(crate) use role::{Clock, Role};
pub(crate) use running::running_places;
pub(crate) use spec::{GatherSource, PlanSpec, Task, Training};
