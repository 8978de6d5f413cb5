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
    /// On their way from a GPU, in a buffer that the reader gives back.
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

    /// Makes room for all that a call needs, or for nothing: allocates the buffers that are not there yet, zeroed, and
    /// on a GPU compiles the plans' kernels. Gives the numbers of the new plans, which stay ready until they are
    /// removed.
    ///
    /// Where memory is short, it gives up what only saves time (see [`Role::is_scratch`]), if that is enough.
    pub(crate) fn prepare(&mut self, needs: Needs<'_>) -> Result<Vec<PlanId>> {
        delegate!(self, executor => executor.prepare(needs))
    }

    /// Forgets a plan. Submits of it may still be on their way.
    pub(crate) fn remove(&mut self, plan: PlanId) {
        delegate!(self, executor => executor.plans.remove(plan));
    }

    /// What scratch memory there is, to come back to.
    pub(crate) fn mark(&self) -> Mark {
        match self {
            Engine::Cpu(_) => Mark::default(),
            Engine::Gpu(executor) => executor.mark(),
        }
    }

    /// Gives up the scratch memory that was taken since the mark.
    pub(crate) fn undo(&mut self, mark: &Mark) {
        if let Engine::Gpu(executor) = self {
            executor.undo(mark);
        }
    }

    /// Keeps a buffer of a scratch role, instead of the one before, even where memory is short: what it holds is still
    /// to be read.
    pub(crate) fn pin(&mut self, role: Option<Role>) {
        if let Engine::Gpu(executor) = self {
            executor.pinned = role;
        }
    }

    /// Plans that are ready.
    #[cfg(test)]
    pub(crate) fn plan_count(&self) -> usize {
        delegate!(self, executor => executor.plans.len())
    }

    /// How often buffers of scratch roles were given up: their contents are gone.
    pub(crate) fn reclaims(&self) -> u64 {
        match self {
            Engine::Cpu(_) => 0,
            Engine::Gpu(executor) => executor.reclaims,
        }
    }

    /// Bytes of all buffers.
    pub(crate) fn bytes_allocated(&self) -> u64 {
        delegate!(self, executor => executor.bytes_allocated())
    }

    /// Writes words (or the bits of floats) into a buffer, after all runs before and before all runs after.
    pub(crate) fn write(&mut self, role: Role, offset: usize, words: &[u32]) -> Result<()> {
        delegate!(self, executor => executor.write(role, offset, words))
    }

    /// Runs plans one after the other in one submit, and asks for parts of buffers as they are then.
    pub(crate) fn run_and_fetch(&mut self, plans: &[PlanId], fetch: &[Fetch]) -> Result<Ticket> {
        delegate!(self, executor => executor.run_and_fetch(plans, fetch))
    }

    /// Submits so far.
    pub(crate) fn submits(&self) -> u64 {
        delegate!(self, executor => executor.submits)
    }
    /// Frees the staging buffers that nobody holds: they only save the time to make them again.
    pub(super) fn free_staging(&mut self) {
        if let Engine::Gpu(executor) = self {
            executor.staging = Default::default();
        }
    }

    /// Runs plans as [`Engine::run_and_fetch`] does, for a reader that waits for the results without the engine, so
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

    /// The same for part of a buffer from `range.start` on: as much of it as there is a buffer to read through.
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
