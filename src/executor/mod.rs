//! Executors of plans: memory by role, calls prepared once, many steps per submit.

mod call_time;
mod cpu;
mod engine;
mod gpu;
mod loan;
mod needs;
mod plans;
mod profile;
mod reclaim;
mod staging;
mod tune;

pub(crate) use call_time::CallTime;
pub(crate) use cpu::CpuExecutor;
pub(crate) use engine::Engine;
pub(crate) use gpu::GpuExecutor;
pub(crate) use loan::Loan;
pub(crate) use needs::{Fetch, IN_FLIGHT, Needs, PlanId, READ_WORDS, Ticket, What};
pub(crate) use tune::tune;

use reclaim::Mark;

use crate::device::{Backend, Device};
use crate::plan::{BufferSpec, Role};
use crate::{Error, Result};
use std::ops::Range;
use std::sync::atomic::AtomicUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Maximum number of floating-point operations per submit. Operating systems stop GPU submits after about two seconds,
/// and a slow GPU performs 10¹¹ operations per second. Other devices have no limit.
pub(crate) fn max_flops_per_submit(device: &Device) -> u64 {
    match &device.0 {
        Backend::Gpu(gpu) if !gpu.capabilities.software => 100_000_000_000,
        _ => u64::MAX,
    }
}

/// An engine that several threads may use. Exclusive users (training and other changes of the network) take no lock.
/// Shared users (predictions and reads) hold the lock until the work is submitted, and wait for results without it. No
/// code awaits a future while it holds the lock.
#[derive(Debug)]
pub(crate) struct Executor {
    engine: Mutex<Engine>,
    /// Notified when a reader gives back a buffer.
    returned: Condvar,
    /// Buffers that readers hold. Changed under the lock.
    lent: AtomicUsize,
}

/// Locks a mutex, even after a panic of another thread: engines and lists of plans are consistent between any two
/// calls.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Executor {
    pub(crate) fn new(device: &Device) -> Self {
        Executor {
            engine: Mutex::new(Engine::new(device)),
            returned: Condvar::new(),
            lent: AtomicUsize::new(0),
        }
    }

    /// The engine of an executor in exclusive use.
    fn engine(&mut self) -> &mut Engine {
        let engine = self.engine.get_mut();
        engine.unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine, when no other thread has it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Engine> {
        lock(&self.engine)
    }

    /// See [`Engine::prepare`].
    pub(crate) fn prepare(&mut self, needs: Needs<'_>) -> Result<Vec<PlanId>> {
        self.engine().prepare(needs)
    }

    /// Enlarges several buffers, all or none; they keep their contents. `what` names the purpose in errors.
    pub(crate) fn reserve_all(&mut self, what: &str, buffers: &[BufferSpec]) -> Result<()> {
        let needs = Needs {
            what: What::Text(what),
            buffers,
            ..Needs::default()
        };
        self.prepare(needs).map(drop)
    }

    /// Drops a plan. Submits of it may still be in flight.
    pub(crate) fn remove(&mut self, plan: PlanId) {
        self.engine().remove(plan);
    }

    /// See [`Engine::mark`].
    pub(crate) fn mark(&self) -> Mark {
        self.lock().mark()
    }

    /// See [`Engine::undo`].
    pub(crate) fn undo(&mut self, mark: &Mark) {
        self.engine().undo(mark);
    }

    /// See [`Engine::pin`].
    pub(crate) fn pin(&mut self, role: Option<Role>) {
        self.engine().pin(role);
    }

    /// If a call of several parts was refused, frees the scratch memory that its parts have taken since the mark.
    pub(crate) fn undo_if_refused<T>(&mut self, mark: Mark, result: Result<T>) -> Result<T> {
        if let Err(Error::OutOfMemory { .. } | Error::Limit { .. }) = result {
            self.undo(&mark);
        }
        result
    }

    /// Number of prepared plans.
    #[cfg(test)]
    pub(crate) fn plan_count(&self) -> usize {
        self.lock().plan_count()
    }

    /// See [`Engine::reclaims`].
    pub(crate) fn reclaims(&self) -> u64 {
        self.lock().reclaims()
    }

    /// Size of all buffers in bytes.
    pub(crate) fn bytes_allocated(&self) -> u64 {
        self.lock().bytes_allocated()
    }

    /// See [`Engine::write`].
    pub(crate) fn write(&mut self, role: Role, offset: usize, words: &[u32]) -> Result<()> {
        self.engine().write(role, offset, words)
    }

    /// See [`Engine::run_and_fetch`].
    pub(crate) fn run_and_fetch(&mut self, plans: &[PlanId], fetch: &[Fetch]) -> Result<Ticket> {
        self.engine().run_and_fetch(plans, fetch)
    }

    /// Waits for the results of a ticket: the fetched ranges, concatenated, as words.
    pub(crate) async fn collect<R>(
        &mut self,
        ticket: Ticket,
        read: impl FnOnce(&[u32]) -> R,
    ) -> Result<R> {
        #[cfg(test)]
        pause::pause().await;
        let collected = match self.engine() {
            Engine::Cpu(executor) => Ok(executor.collect(ticket, read)),
            Engine::Gpu(executor) => executor.collect(ticket, read).await,
        };
        #[cfg(test)]
        pause::pause().await;
        collected
    }

    /// Reads part of a buffer, as words. Other threads may use the executor meanwhile.
    pub(crate) async fn read(&self, role: Role, range: Range<usize>) -> Result<Vec<u32>> {
        let mut words = Vec::with_capacity(range.len());
        while words.len() < range.len() {
            let rest = range.start + words.len()..range.end;
            let loan = self.borrow(|engine| engine.read_and_lend(role, rest.clone()))?;
            loan.finish(|piece| words.extend_from_slice(piece)).await?;
        }
        Ok(words)
    }

    /// Number of submits so far.
    pub(crate) fn submits(&self) -> u64 {
        self.lock().submits()
    }
}

/// Native executors block where browsers await. In tests they await too, so that futures can be dropped there.
#[cfg(test)]
pub(crate) mod pause {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::task::Poll;

    thread_local! {
        /// Whether executors on this thread wait.
        pub(crate) static PAUSES: Cell<bool> = const { Cell::new(false) };
    }

    /// Yields once.
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
    use crate::kernel::base::binding::Scalar;

    #[test]
    fn a_pinned_buffer_stays_where_memory_is_short() -> std::result::Result<(), Error> {
        let options = GpuOptions::default().allow_software(true);
        let device = Device::gpu(options.memory_limit(1 << 20))?;
        let mut executor = Executor::new(&device);
        let spec = |role, len| BufferSpec {
            role,
            scalar: Scalar::Float,
            len,
        };
        executor.reserve_all("numbers", &[spec(Role::Measures, 60_000)])?;
        executor.write(Role::Measures, 59_999, &[7])?;
        executor.reserve_all("values", &[spec(Role::Slot(0), 120_000)])?;
        executor.pin(Some(Role::Measures));
        // The limit has room for this in place of the earlier values, but not in addition.
        executor.reserve_all("other values", &[spec(Role::Slot(1), 120_000)])?;
        assert_eq!(executor.reclaims(), 1);
        let words = pollster::block_on(executor.read(Role::Measures, 59_999..60_000))?;
        assert_eq!(words, [7]);
        // The limit has room for this if everything else is freed.
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
                scalar: Scalar::Word,
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
