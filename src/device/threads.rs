//! The threads of the CPU device.

use crate::{Error, Result};
use std::sync::Arc;

/// Floating-point operations of a kernel from which it is shared out to several threads. Work without any such kernel
/// stays on the thread that asks for it: waking another takes longer.
pub(crate) const LARGE_FLOPS: u64 = 1 << 20;

/// A pool of threads: rayon's global one, or one of the device's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Threads(Option<Arc<rayon::ThreadPool>>);

impl Threads {
    pub(crate) fn new(count: usize) -> Result<Self> {
        if count == 0 {
            return Err(Error::Argument {
                what: "the number of threads",
                expected: "at least 1".into(),
                found: count.to_string(),
            });
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .thread_name(|i| format!("wgrad {i}"))
            .build()
            .map_err(|error| Error::OpenDevice {
                adapter: format!("CPU ({count} threads)"),
                message: error.to_string(),
            })?;
        Ok(Threads(Some(Arc::new(pool))))
    }

    pub(crate) fn count(&self) -> usize {
        match &self.0 {
            Some(pool) => pool.current_num_threads(),
            None => rayon::current_num_threads(),
        }
    }

    pub(crate) fn is_same(&self, other: &Threads) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// Does the work with these threads. What is large moves to a thread of the pool as a whole, so that its parts need
    /// not come to the pool one by one.
    pub(crate) fn run<R: Send>(&self, large: bool, work: impl FnOnce() -> R + Send) -> R {
        match &self.0 {
            Some(pool) => pool.install(work),
            None if large => rayon::scope(|_| work()),
            None => work(),
        }
    }
}
