//! What a training step does beside its gradients: it counts, adds up micro-batches, blends tensors, and takes over running
//! statistics.

pub(crate) mod accumulate;
pub(crate) mod advance;
pub(crate) mod blend;
pub(crate) mod commit;

pub(crate) use accumulate::{Accumulate, Scales};
pub(crate) use advance::Advance;
pub(crate) use blend::Blend;
pub(crate) use commit::Commit;
