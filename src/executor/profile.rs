//! The time of each call.

use super::call_time::CallTime;
use super::{Executor, GpuExecutor};
use crate::{Error, Result};

impl Executor {
    /// Times every call from now on.
    pub(crate) fn start_profile(&mut self) -> Result<()> {
        match self {
            Executor::Cpu(executor) => executor.start_profile(),
            Executor::Gpu(executor) => {
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
        match self {
            Executor::Cpu(executor) => Ok(executor.end_profile()),
            Executor::Gpu(executor) => executor.end_profile().await,
        }
    }
}

impl Executor {
    /// Number of calls (CPU) or submits (GPU) timed so far; `None` without a profile.
    #[cfg(test)]
    pub(crate) fn profiles(&self) -> Option<usize> {
        match self {
            Executor::Cpu(executor) => executor.profiled(),
            Executor::Gpu(executor) => executor.profile.as_ref().map(Vec::len),
        }
    }

    /// Stops timing and discards the results.
    pub(crate) fn drop_profile(&mut self) {
        match self {
            Executor::Cpu(executor) => drop(executor.end_profile()),
            Executor::Gpu(executor) => executor.profile = None,
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
