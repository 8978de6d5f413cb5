//! What a training step does beside its gradients: it counts, adds up micro-batches, blends tensors, and takes over running
//! statistics. And what tensor calls do beside: they note that they were refused, and choose the number of a step.

pub(crate) mod accumulate;
pub(crate) mod advance;
pub(crate) mod blend;
pub(crate) mod choose;
pub(crate) mod commit;
pub(crate) mod note;

pub(crate) use accumulate::{Accumulate, Scales};
pub(crate) use advance::Advance;
pub(crate) use blend::Blend;
pub(crate) use choose::Choose;
pub(crate) use commit::Commit;
pub(crate) use note::Note;
