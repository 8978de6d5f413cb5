//! Loans: results that any number of threads read without holding the engine.

use super::engine::Lent;
use super::{Engine, Executor};
use crate::time::Duration;
use crate::{Error, Result};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// Longest wait for the buffers of other readers where memory is short.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Pending results of one reader. A dropped reader counts as done.
#[derive(Debug)]
pub(crate) struct Loan<'a> {
    executor: &'a Executor,
    lent: Option<Lent>,
}

impl Executor {
    /// Runs `work` with the engine, and lends its results to this reader. If memory is short while other readers hold
    /// readback buffers, it retries when one of them is returned, and finally after freeing idle buffers.
    pub(super) fn borrow(
        &self,
        mut work: impl FnMut(&mut Engine) -> Result<Lent>,
    ) -> Result<Loan<'_>> {
        let mut engine = self.lock();
        let mut freed = false;
        loop {
            let done = work(&mut engine);
            let held = self.lent.load(Ordering::Relaxed);
            if held == 0 && !freed && matches!(done, Err(Error::OutOfMemory { .. })) {
                engine.free_staging();
                freed = true;
                continue;
            }
            // In a browser nothing may block.
            let waits = held > 0 && !cfg!(target_arch = "wasm32");
            if !(waits && matches!(done, Err(Error::OutOfMemory { .. }))) {
                let lent = Some(done?);
                self.lent.fetch_add(1, Ordering::Relaxed);
                return Ok(Loan {
                    executor: self,
                    lent,
                });
            }
            let unchanged = |_: &mut Engine| self.lent.load(Ordering::Relaxed) >= held;
            let waited = self
                .returned
                .wait_timeout_while(engine, LONGEST_WAIT, unchanged);
            let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            if timeout.timed_out() {
                return Err(done.err().unwrap_or_else(|| unreachable!("it was refused")));
            }
            engine = again;
        }
    }

    /// Runs `before` and then plans in one submit, and lends the results to this reader.
    pub(crate) fn run_shared(
        &self,
        mut before: impl FnMut(&mut Engine) -> Result<(Vec<super::PlanId>, Vec<super::Fetch>)>,
    ) -> Result<Loan<'_>> {
        self.borrow(|engine| {
            let (plans, fetch) = before(engine)?;
            engine.run_and_lend(&plans, &fetch)
        })
    }
}

impl Loan<'_> {
    /// Waits for the results and passes them to `read`, as words.
    pub(crate) async fn finish<R>(mut self, read: impl FnOnce(&[u32]) -> R) -> Result<R> {
        #[cfg(test)]
        super::pause::pause().await;
        let lent = self.lent.take();
        let result = match lent.unwrap_or_else(|| unreachable!("it is taken once")) {
            Lent::Words(words) => read(&words),
            Lent::Readback(gpu, readback) => {
                let (result, staging) = readback.finish(&gpu, read).await?;
                if let Engine::Gpu(executor) = &mut *self.executor.lock() {
                    let others = self.executor.lent.load(Ordering::Relaxed) > 1;
                    executor.give_back(staging, others);
                }
                result
            }
        };
        #[cfg(test)]
        super::pause::pause().await;
        Ok(result)
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        // The buffer is freed first; then a waiting reader retries.
        self.lent = None;
        let _engine = self.executor.lock();
        self.executor.lent.fetch_sub(1, Ordering::Relaxed);
        self.executor.returned.notify_all();
    }
}
