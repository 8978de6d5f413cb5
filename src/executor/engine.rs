//! The engine of an executor: one of the two implementations, used by one thread at a time.

use super::reclaim::Mark;
use super::{CpuExecutor, Fetch, GpuExecutor, Needs, PlanId, READ_WORDS, Ticket};
use crate::Result;
use crate::device::{Backend, Device, Gpu, Readback};
use crate::plan::Role;
use std::ops::Range;
use std::sync::Arc;

/// Results for a reader that does not hold the engine.
#[derive(Debug)]
pub(super) enum Lent {
    /// From the CPU, which has computed them.
    Words(Vec<u32>),
    /// Pending on a GPU, in a buffer that the reader returns.
    Readback(Arc<Gpu>, Readback),
}

/// Runs the plans of one network on one device. Plans share the buffers of equal role.
#[derive(Debug)]
pub(crate) enum Engine {
    Cpu(CpuExecutor<f32>),
    Gpu(Box<GpuExecutor>),
}

/// Calls the method of the same name on whichever executor it is.
macro_rules! delegate {
    ($self:ident, $executor:ident => $body:expr) => {
        match $self {
            Engine::Cpu($executor) => $body,
            Engine::Gpu($executor) => $body,
        }
    };
}

impl Engine {
    pub(super) fn new(device: &Device) -> Self {
        match &device.0 {
            Backend::Cpu(threads) => Engine::Cpu(CpuExecutor::new(threads.clone())),
            Backend::Gpu(gpu) => Engine::Gpu(Box::new(GpuExecutor::new(gpu.clone()))),
        }
    }

    /// Prepares a call, completely or not at all: allocates missing buffers, zeroed, and on a GPU compiles the plans'
    /// kernels. Returns the ids of the new plans, which remain prepared until they are removed.
    ///
    /// If memory is short, it frees buffers that only save time (see [`Role::is_scratch`]), provided that this is
    /// enough.
    pub(crate) fn prepare(&mut self, needs: Needs<'_>) -> Result<Vec<PlanId>> {
        delegate!(self, executor => executor.prepare(needs))
    }

    /// Drops a plan. Submits of it may still be in flight.
    pub(crate) fn remove(&mut self, plan: PlanId) {
        delegate!(self, executor => executor.plans.remove(plan));
    }

    /// Records the current scratch memory, for [`Engine::undo`].
    pub(crate) fn mark(&self) -> Mark {
        match self {
            Engine::Cpu(_) => Mark::default(),
            Engine::Gpu(executor) => executor.mark(),
        }
    }

    /// Frees the scratch memory that was taken since the mark.
    pub(crate) fn undo(&mut self, mark: &Mark) {
        if let Engine::Gpu(executor) = self {
            executor.undo(mark);
        }
    }

    /// Pins the buffer of a scratch role, in place of the previous one: it is kept even if memory is short, since its
    /// contents are still to be read.
    pub(crate) fn pin(&mut self, role: Option<Role>) {
        if let Engine::Gpu(executor) = self {
            executor.pinned = role;
        }
    }

    /// Number of prepared plans.
    #[cfg(test)]
    pub(crate) fn plan_count(&self) -> usize {
        delegate!(self, executor => executor.plans.len())
    }

    /// Number of times that scratch buffers were freed, with their contents.
    pub(crate) fn reclaims(&self) -> u64 {
        match self {
            Engine::Cpu(_) => 0,
            Engine::Gpu(executor) => executor.reclaims,
        }
    }

    /// Size of all buffers in bytes.
    pub(crate) fn bytes_allocated(&self) -> u64 {
        delegate!(self, executor => executor.bytes_allocated())
    }

    /// Writes words (or the bits of floats) into a buffer, in order with the submitted runs.
    pub(crate) fn write(&mut self, role: Role, offset: usize, words: &[u32]) -> Result<()> {
        delegate!(self, executor => executor.write(role, offset, words))
    }

    /// Runs plans in order in one submit, and requests ranges of buffers as they are afterwards.
    pub(crate) fn run_and_fetch(&mut self, plans: &[PlanId], fetch: &[Fetch]) -> Result<Ticket> {
        delegate!(self, executor => executor.run_and_fetch(plans, fetch))
    }

    /// Number of submits so far.
    pub(crate) fn submits(&self) -> u64 {
        delegate!(self, executor => executor.submits)
    }
    /// Frees unused staging buffers, which only save the time to allocate them again.
    pub(super) fn free_staging(&mut self) {
        if let Engine::Gpu(executor) = self {
            executor.staging = Default::default();
        }
    }

    /// Runs plans like [`Engine::run_and_fetch`], for a reader that waits for the results without the engine and
    /// without a ticket.
    pub(super) fn run_and_lend(&mut self, plans: &[PlanId], fetch: &[Fetch]) -> Result<Lent> {
        match self {
            Engine::Cpu(executor) => executor.run_and_take(plans, fetch).map(Lent::Words),
            Engine::Gpu(executor) => {
                let bytes = fetch.iter().map(|(_, range)| range.len() as u64 * 4).sum();
                let staging = executor.take_fitting(bytes)?;
                executor.lend(plans, fetch, staging)
            }
        }
    }

    /// Reads part of a buffer from `range.start` on, up to the size of the readback buffer.
    pub(super) fn read_and_lend(&mut self, role: Role, range: Range<usize>) -> Result<Lent> {
        match self {
            Engine::Cpu(executor) => Ok(Lent::Words(executor.read(role, range))),
            Engine::Gpu(executor) => {
                let staging = executor.take_staging(range.len().min(READ_WORDS))?;
                let end = range.end.min(range.start + staging.size() as usize / 4);
                executor.lend(&[], &[(role, range.start..end)], staging)
            }
        }
    }
}
