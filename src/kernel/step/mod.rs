//! What a training step does beside its gradients: it counts, adds up micro-batches, adds multiples of tensors
//! (axpby), and takes over running statistics. And what tensor calls do beside: they note that they were refused, and
//! choose the number of a step.

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
