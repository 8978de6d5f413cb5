//! A wgpu device: calls of it, submits and waits.

use super::budget::Budget;
use super::faults::{Faults, typed};
use super::guarded::{Guarded, catch, collecting, panicked};
use super::pipeline::Pipeline;
use super::pipeline_cache::PipelineCache;
use super::recent::Recent;
use super::{AdapterReport, DeviceReport};
use crate::kernel::Capabilities;
use crate::threads::Threads;
use crate::time::Duration;
use crate::{Error, Result};
use std::sync::{Arc, Mutex};

/// An open GPU.
#[derive(Debug)]
pub(crate) struct Gpu {
    // Dropped before the device, for which its drop waits.
    pub(super) queue: Guarded<wgpu::Queue>,
    pub(super) device: Guarded<wgpu::Device>,
    pub(crate) capabilities: Capabilities,
    pub(super) info: wgpu::AdapterInfo,
    pub(super) runtime_checks: bool,
    /// Whether tensors are surrounded by sentinels.
    pub(crate) sentinels: bool,
    pub(super) faults: Arc<Faults>,
    /// Bytes of its buffers.
    pub(crate) budget: Arc<Budget>,
    /// Longest wait for a submit.
    pub(super) timeout: Duration,
    /// Pipelines by shader text: kernels with the same text share a pipeline.
    pub(super) pipelines: Mutex<Recent<Pipeline>>,
    /// The driver's compiled pipelines, kept from run to run.
    pub(super) cache: Option<PipelineCache>,
}

impl Gpu {
    pub(crate) fn report(&self) -> DeviceReport {
        let limits = self.device.limits();
        DeviceReport {
            adapter: AdapterReport::new(&self.info),
            max_buffer_bytes: limits.max_buffer_size,
            max_binding_bytes: limits.max_storage_buffer_binding_size,
            memory_limit: self.budget.limit,
            keeps_pipelines: self.cache.is_some(),
            subgroup: self.capabilities.subgroup,
            loads64: self.capabilities.loads64,
            threads: Threads::default().count(),
        }
    }

    /// Fails if the device is lost, or with the first fault that wgpu reported since the last check.
    pub(crate) fn check(&self) -> Result<()> {
        if self.faults.has_error() {
            self.learn_of_loss();
        }
        self.faults.check()
    }

    /// The error of a failed call: the loss of the device, if that is the cause.
    pub(super) fn failure(&self, message: String) -> Error {
        self.learn_of_loss();
        self.faults.lost().unwrap_or(Error::Gpu { message })
    }

    /// Polls the device. A lost device first rejects calls; wgpu reports the loss only when it is polled.
    fn learn_of_loss(&self) {
        if self.faults.lost().is_none() {
            let _ = catch(|| self.device.poll(wgpu::PollType::Poll));
        }
    }

    /// Runs a call of wgpu's device or queue that may fail. All such calls go through here. An error is this call's,
    /// whatever other threads do meanwhile. A panic is an error too. Once the device is lost, every call is
    /// [`Error::DeviceLost`]. `what` and `bytes` are for out-of-memory errors: what needs memory, and how much beyond
    /// the counted buffers.
    pub(super) fn call<R>(
        &self,
        what: &str,
        bytes: u64,
        call: impl FnOnce(&wgpu::Device, &wgpu::Queue) -> R,
    ) -> Result<R> {
        if self.faults.has_error() {
            self.learn_of_loss();
        }
        let running = self.faults.begin_call();
        self.faults.check()?;
        let outcome = collecting(|| call(&self.device, &self.queue));
        drop(running);
        let error = match outcome {
            (Ok(result), None) => return self.check().map(|()| result),
            (Err(words), None) => panicked(&words),
            (result, Some(refused)) => {
                // Drop a refused buffer before its bytes are read from the budget.
                drop(result);
                typed(refused, what, bytes, &self.budget)
            }
        };
        self.learn_of_loss();
        Err(self.faults.lost().unwrap_or(error))
    }

    /// Destroys the device. It is marked as lost first, so that no thread sees another error.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn destroy(&self) {
        self.faults.lose("it was destroyed".into());
        let idle = self.faults.wait_for_calls();
        let _ = catch(|| self.device.destroy());
        drop(idle);
        // Frees its memory, if no submit is running.
        let _ = catch(|| self.device.poll(wgpu::PollType::Poll));
    }

    /// Whether the device has timestamp queries.
    pub(crate) fn has_timestamps(&self) -> bool {
        self.device
            .features()
            .contains(wgpu::Features::TIMESTAMP_QUERY)
    }

    /// A set of `count` timestamp queries.
    pub(super) fn timestamps(&self, count: u32) -> Result<wgpu::QuerySet> {
        self.call("timestamps", 8 * u64::from(count), |device, _| {
            device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("timestamps"),
                ty: wgpu::QueryType::Timestamp,
                count,
            })
        })
    }

    /// Nanoseconds of one timestamp tick.
    pub(super) fn timestamp_period(&self) -> f32 {
        self.queue.get_timestamp_period()
    }

    /// Submits the commands that `encode` encodes, and returns the index to wait for. Only a submit that wgpu has
    /// accepted returns one, since waiting for a rejected submit panics.
    pub(crate) fn submit(
        &self,
        encode: impl FnOnce(&mut wgpu::CommandEncoder),
    ) -> Result<wgpu::SubmissionIndex> {
        self.call("a submit", 0, |device, queue| {
            let mut encoder = device.create_command_encoder(&Default::default());
            encode(&mut encoder);
            queue.submit([encoder.finish()])
        })
    }

    /// Waits until a submission is done and its callbacks have run.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn wait(&self, submission: wgpu::SubmissionIndex) -> Result<()> {
        self.check()?;
        let how = wgpu::PollType::Wait {
            submission_index: Some(submission),
            timeout: Some(self.timeout),
        };
        self.waited(catch(|| self.device.poll(how)))
    }

    /// The result of a wait.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn waited(
        &self,
        polled: std::result::Result<std::result::Result<wgpu::PollStatus, wgpu::PollError>, String>,
    ) -> Result<()> {
        let error = match polled {
            Ok(Ok(_)) => return self.check(),
            Ok(Err(wgpu::PollError::Timeout)) => Error::Timeout {
                seconds: self.timeout.as_secs_f64(),
            },
            Ok(Err(error)) => Error::Gpu {
                message: error.to_string(),
            },
            Err(words) => panicked(&words),
        };
        self.learn_of_loss();
        Err(self.faults.lost().unwrap_or(error))
    }
}
