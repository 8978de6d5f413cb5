//! Running plans: memory by role, calls made ready once, steps encoded many at a time.

mod call_time;
mod cpu;
mod gpu;
mod needs;
mod plans;
mod profile;
mod reclaim;
mod staging;
mod tune;

pub(crate) use call_time::CallTime;
pub(crate) use cpu::CpuExecutor;
pub(crate) use gpu::GpuExecutor;
pub(crate) use needs::{Fetch, IN_FLIGHT, Needs, PlanId, READ_WORDS, Ticket, What};
pub(crate) use tune::tune;

use reclaim::Mark;

use crate::device::{Backend, Device};
use crate::plan::{BufferSpec, Role};
use crate::{Error, Result};
use std::ops::Range;

/// Floating-point operations that one submit may take: on a GPU operating systems stop submits of about two seconds,
/// and a slow GPU does 10¹¹ in one second. Elsewhere nobody stops them.
pub(crate) fn max_flops_per_submit(device: &Device) -> u64 {
    match &device.0 {
        Backend::Gpu(gpu) if !gpu.capabilities.software => 100_000_000_000,
        _ => u64::MAX,
    }
}

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

    /// Makes room for all that a call needs, or for nothing: allocates the buffers that are not there yet, zeroed, and
    /// on a GPU compiles the plans' kernels. Gives the numbers of the new plans, which stay ready until they are
    /// removed.
    ///
    /// Where memory is short, it gives up what only saves time (see [`Role::is_scratch`]), if that is enough.
    pub(crate) fn prepare(&mut self, needs: Needs<'_>) -> Result<Vec<PlanId>> {
        delegate!(self, executor => executor.prepare(needs))
    }

    /// Makes room in several buffers, which keep their contents, for what errors name: in all of them or in none.
    pub(crate) fn reserve_all(&mut self, what: &str, buffers: &[BufferSpec]) -> Result<()> {
        let needs = Needs {
            what: What::Text(what),
            buffers,
            ..Needs::default()
        };
        self.prepare(needs).map(drop)
    }

    /// Forgets a plan. Submits of it may still be on their way.
    pub(crate) fn remove(&mut self, plan: PlanId) {
        delegate!(self, executor => executor.plans.remove(plan));
    }

    /// What scratch memory there is, to come back to.
    pub(crate) fn mark(&self) -> Mark {
        match self {
            Executor::Cpu(_) => Mark::default(),
            Executor::Gpu(executor) => executor.mark(),
        }
    }

    /// Gives up the scratch memory that was taken since the mark.
    pub(crate) fn undo(&mut self, mark: &Mark) {
        if let Executor::Gpu(executor) = self {
            executor.undo(mark);
        }
    }

    /// Keeps a buffer of a scratch role, instead of the one before, even where memory is short: what it holds is still
    /// to be read.
    pub(crate) fn pin(&mut self, role: Option<Role>) {
        if let Executor::Gpu(executor) = self {
            executor.pinned = role;
        }
    }

    /// After a call of several parts was refused, gives up what scratch memory its parts have taken since the mark.
    pub(crate) fn undo_if_refused<T>(&mut self, mark: Mark, result: Result<T>) -> Result<T> {
        if let (Err(Error::OutOfMemory { .. } | Error::Limit { .. }), Executor::Gpu(executor)) =
            (&result, self)
        {
            executor.undo(&mark);
        }
        result
    }

    /// Plans that are ready.
    #[cfg(test)]
    pub(crate) fn plan_count(&self) -> usize {
        delegate!(self, executor => executor.plans.len())
    }

    /// How often buffers of scratch roles were given up: their contents are gone.
    pub(crate) fn reclaims(&self) -> u64 {
        match self {
            Executor::Cpu(_) => 0,
            Executor::Gpu(executor) => executor.reclaims,
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

    /// Waits for what a ticket stands for: the fetched parts one after the other, as words.
    pub(crate) async fn collect<R>(
        &mut self,
        ticket: Ticket,
        read: impl FnOnce(&[u32]) -> R,
    ) -> Result<R> {
        #[cfg(test)]
        pause::pause().await;
        let collected = match self {
            Executor::Cpu(executor) => Ok(executor.collect(ticket, read)),
            Executor::Gpu(executor) => executor.collect(ticket, read).await,
        };
        #[cfg(test)]
        pause::pause().await;
        collected
    }

    /// Reads part of a buffer, as words.
    pub(crate) async fn read(&mut self, role: Role, range: Range<usize>) -> Result<Vec<u32>> {
        #[cfg(test)]
        pause::pause().await;
        let words = match self {
            Executor::Cpu(executor) => Ok(executor.read(role, range)),
            Executor::Gpu(executor) => executor.read(role, range).await,
        };
        #[cfg(test)]
        pause::pause().await;
        words
    }

    /// Submits so far.
    pub(crate) fn submits(&self) -> u64 {
        delegate!(self, executor => executor.submits)
    }
}

/// Native executors block where those in browsers wait. In tests they wait too, so that futures can be dropped there.
#[cfg(test)]
pub(crate) mod pause {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::task::Poll;

    thread_local! {
        /// Whether executors on this thread wait.
        pub(crate) static PAUSES: Cell<bool> = const { Cell::new(false) };
    }

    /// Gives the thread up once.
    pub(crate) async fn pause() {
        let mut waits = PAUSES.get();
        poll_fn(|_| match std::mem::take(&mut waits) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GpuOptions;
    use crate::kernel::base::program::Element;

    #[test]
    fn a_pinned_buffer_stays_where_memory_is_short() -> std::result::Result<(), Error> {
        let options = GpuOptions::default().allow_software(true);
        let device = Device::gpu(options.memory_limit(1 << 20))?;
        let mut executor = Executor::new(&device);
        let spec = |role, len| BufferSpec {
            role,
            element: Element::Float,
            len,
        };
        executor.reserve_all("numbers", &[spec(Role::Measures, 60_000)])?;
        executor.write(Role::Measures, 59_999, &[7])?;
        executor.reserve_all("values", &[spec(Role::Slot(0), 120_000)])?;
        executor.pin(Some(Role::Measures));
        // There is room for this instead of the values before, and not beside them.
        executor.reserve_all("other values", &[spec(Role::Slot(1), 120_000)])?;
        assert_eq!(executor.reclaims(), 1);
        let words = pollster::block_on(executor.read(Role::Measures, 59_999..60_000))?;
        assert_eq!(words, [7]);
        // There is room for this if all else is given up.
        let most = [spec(Role::Slot(2), 230_000)];
        assert!(executor.reserve_all("most values", &most).is_err());
        executor.pin(None);
        executor.reserve_all("most values", &most)
    }

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
            executor.reserve_all("labels", &[spec(3)])?;
            executor.write(Role::Labels, 0, &[7, 8, 9])?;
            executor.reserve_all("labels", &[spec(1000)])?;
            let words = pollster::block_on(executor.read(Role::Labels, 0..1000))?;
            assert_eq!(
                (&words[..3], words[3..].iter().max()),
                (&[7, 8, 9][..], Some(&0))
            );
        }
        Ok(())
    }
}
