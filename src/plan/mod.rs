//! Plans: flat lists of kernel calls over numbered buffers.
//!
//! A [`Plan`] is plain data. [`lower`] makes it from a graph and a batch size. Lowering also fuses calls, and lets
//! values with disjoint lifetimes share a buffer. Both executors run plans.
//!
//! # Values that vary by step
//!
//! A training step takes no arguments. All values that vary by step lie in small buffers on the device, so steps run
//! one after another without the host.
//!
//! - The **step table** holds, at entry A modulo its length, the step's values (the learning rate and factors of the
//!   optimizer) and the offset of the batch in the shuffled indices. The host fills the table ahead of each submit.
//! - The **state** is twelve words: the step counter A; B = A + 1; the non-finite guard; a flag that the next steps
//!   need care (see [`crate::kernel::base::guard`]); four words of step values; the high half of the step counter,
//!   which the host writes; three spare words. Gather and loss read A. One invocation of the gather copies the step's
//!   values from the table; without a gather, the host writes them. One invocation of the loss writes B. The update
//!   reads B and the step's values, and one of its invocations writes A = B. So no invocation reads a word that another
//!   invocation of the same dispatch writes.
//! - The **metric ring** receives, at place A modulo its length, the step's metrics: sums of losses and correct rows,
//!   and the sums of squared gradients if requested. The host reads the ring later.
//! - The **guard** is all ones until a kernel finds a NaN or an infinity. A kernel writes 0 for the loss, and the index
//!   of the gradient in the plan, from 1, for a parameter's gradient. The lowest value wins, which identifies the
//!   origin. While the guard is set, updates change nothing, including the step counter.
//! - The lengths of table and ring are powers of two. So the host, which uses all 64 bits of the step number, and the
//!   device, which uses the lowest 32, compute the same place.

mod arena;
mod compiled;
mod constants;
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
pub(crate) use constants::constant_places;
pub(crate) use emit_update::gradient_parts;
pub(crate) use guards::{Guarded, guarded_name};
pub(crate) use inspect::{Inspected, What, inspected};
pub(crate) use lower::lower;
pub(crate) use ring::{class_weights, loss_sums, term_sums};
pub(crate) use role::{Clock, Role};
pub(crate) use running::running_places;
pub(crate) use spec::{GatherSource, InputSource, PlanSpec, Task, Training};
