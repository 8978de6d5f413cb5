//! The time of each call.

use super::call_time::CallTime;
use super::{Engine, Executor, GpuExecutor};
use crate::{Error, Result};

impl Executor {
    /// Times every call from now on.
    pub(crate) fn start_profile(&mut self) -> Result<()> {
        match self.engine() {
            Engine::Cpu(executor) => executor.start_profile(),
            Engine::Gpu(executor) => {
                if !executor.gpu.has_timestamps() {
                    let found = executor.gpu.report().adapter.name;
                    return Err(Error::argument(
                        "a profile",
                        "of an adapter with timestamp queries",
                        found,
                    ));
                }
                executor.profile = Some(Vec::new());
            }
        }
        Ok(())
    }

    /// Stops timing and returns the calls since the start.
    pub(crate) async fn end_profile(&mut self) -> Result<Vec<CallTime>> {
        #[cfg(test)]
        super::pause::pause().await;
        match self.engine() {
            Engine::Cpu(executor) => Ok(executor.end_profile()),
            Engine::Gpu(executor) => executor.end_profile().await,
        }
    }
}

impl Executor {
    /// Number of calls (CPU) or submits (GPU) timed so far; `None` without a profile.
    #[cfg(test)]
    pub(crate) fn profiles(&self) -> Option<usize> {
        match &*self.lock() {
            Engine::Cpu(executor) => executor.profiled(),
            Engine::Gpu(executor) => executor.profile.as_ref().map(Vec::len),
        }
    }

    /// Stops timing and discards the results.
    pub(crate) fn drop_profile(&mut self) {
        match self.engine() {
            Engine::Cpu(executor) => drop(executor.end_profile()),
            Engine::Gpu(executor) => executor.profile = None,
        }
    }
}

impl GpuExecutor {
    async fn end_profile(&mut self) -> Result<Vec<CallTime>> {
        let mut calls = Vec::new();
        for (plans, timestamps, submission) in self.profile.take().unwrap_or_default() {
            let times = timestamps.read(&self.gpu, submission).await?;
            let ran = plans.iter().flat_map(|plan| self.dispatched(plan));
            calls.extend(
                ran.zip(times)
                    .map(|(call, [begin, end])| CallTime::new(call, begin, end)),
            );
        }
        Ok(calls)
    }
}
