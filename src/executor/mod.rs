//! Running plans: memory by role, calls made ready once, steps encoded many at a time.

mod cpu;
mod gpu;
mod profile;
mod tune;

pub(crate) use cpu::CpuExecutor;
pub(crate) use gpu::GpuExecutor;
pub(crate) use profile::CallTime;
pub(crate) use tune::tune;

use crate::Result;
use crate::device::{Backend, Device};
use crate::plan::{BufferSpec, Plan, Role};
use std::ops::Range;

/// A plan that an executor has made ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlanId(usize);

/// What to read after a run: parts of buffers, in elements.
pub(crate) type Fetch = (Role, Range<usize>);

/// Results of a submit that are on their way to the host. Collected in the order of the submits.
#[derive(Debug)]
pub(crate) struct Ticket(usize);

/// Submits whose results may be on their way at a time.
pub(crate) const IN_FLIGHT: usize = 3;

/// Runs the plans of one network on one device. Plans share the buffers of equal role.
#[derive(Debug)]
pub(crate) enum Executor {
    Cpu(CpuExecutor<f32>),
    Gpu(Box<GpuExecutor>),
}

/// Calls the method of the same name on whichever executor it is.
macro_rules! delegate {
    ($self:ident, $executor:ident => $body:expr) => {
        match $self {
            Executor::Cpu($executor) => $body,
            Executor::Gpu($executor) => $body,
        }
    };
}

impl Executor {
    pub(crate) fn new(device: &Device) -> Self {
        match &device.0 {
            Backend::Cpu(threads) => Executor::Cpu(CpuExecutor::new(threads.clone())),
            Backend::Gpu(gpu) => Executor::Gpu(Box::new(GpuExecutor::new(gpu.clone()))),
        }
    }

    /// Makes a plan ready: allocates the buffers that are not there yet, zeroed, and on a GPU compiles its kernels.
    pub(crate) fn add(&mut self, plan: &Plan) -> Result<PlanId> {
        delegate!(self, executor => executor.add(plan))
    }

    /// Makes room in a buffer, which keeps its contents.
    pub(crate) fn reserve(&mut self, spec: BufferSpec) -> Result<()> {
        self.reserve_all(&format!("{:?}", spec.role), &[spec])
    }

    /// Makes room in several buffers, for what errors name: in all of them or in none.
    pub(crate) fn reserve_all(&mut self, what: &str, specs: &[BufferSpec]) -> Result<()> {
        delegate!(self, executor => executor.reserve_all(what, specs))
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

    /// Waits for what a ticket stands for: the fetched parts one after the other, as words.
    pub(crate) async fn collect<R>(
        &mut self,
        ticket: Ticket,
        read: impl FnOnce(&[u32]) -> R,
    ) -> Result<R> {
        match self {
            Executor::Cpu(executor) => Ok(executor.collect(ticket, read)),
            Executor::Gpu(executor) => executor.collect(ticket, read).await,
        }
    }

    /// Reads part of a buffer, as words.
    pub(crate) async fn read(&mut self, role: Role, range: Range<usize>) -> Result<Vec<u32>> {
        let ticket = self.run_and_fetch(&[], &[(role, range)])?;
        self.collect(ticket, <[u32]>::to_vec).await
    }

    /// Submits so far.
    pub(crate) fn submits(&self) -> u64 {
        delegate!(self, executor => executor.submits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::program::Element;
    use crate::{Error, GpuOptions};

    #[test]
    fn a_buffer_keeps_its_contents_when_it_grows() -> std::result::Result<(), Error> {
        let gpu = Device::gpu(GpuOptions::default().allow_software(true))?;
        for device in [Device::cpu(), gpu] {
            let mut executor = Executor::new(&device);
            let spec = |len| BufferSpec {
                role: Role::Labels,
                element: Element::Word,
                len,
            };
            executor.reserve(spec(3))?;
            executor.write(Role::Labels, 0, &[7, 8, 9])?;
            executor.reserve(spec(1000))?;
            let words = pollster::block_on(executor.read(Role::Labels, 0..1000))?;
            assert_eq!(
                (&words[..3], words[3..].iter().max()),
                (&[7, 8, 9][..], Some(&0))
            );
        }
        Ok(())
    }
}
