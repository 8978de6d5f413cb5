//! Bookkeeping of training steps and tensor calls. A training step increments its counter, accumulates micro-batches,
//! adds multiples of tensors (axpby), and copies running statistics. A tensor call records its refusal, and chooses the
//! number of its step.

pub(crate) mod accumulate;
pub(crate) mod axpby;
pub(crate) mod choose;
pub(crate) mod copy_if_finite;
pub(crate) mod increment_step;
pub(crate) mod note;

pub(crate) use accumulate::{Accumulate, Scales};
pub(crate) use axpby::Axpby;
pub(crate) use choose::Choose;
pub(crate) use copy_if_finite::CopyIfFinite;
pub(crate) use increment_step::IncrementStep;
pub(crate) use note::Note;
