//! A wgpu device: opening it, its buffers, submits and waits.

use super::adapter::{adapters, choose, first_that_opens};
use super::budget::{Budget, Buffer};
use super::faults::{Faults, typed};
use super::guarded::{Guarded, catch, catch_async, collecting, panicked};
use super::pipeline::Pipeline;
use super::pipeline_cache::PipelineCache;
use super::recent::Recent;
use super::{AdapterReport, DeviceReport, GpuOptions};
use crate::kernel::Target;
use crate::threads::Threads;
use crate::time::Duration;
use crate::{Error, Result};
use std::sync::{Arc, Mutex};

/// An open GPU.
#[derive(Debug)]
pub(crate) struct Gpu {
    // Dropped before the device, for which its drop waits.
    queue: Guarded<wgpu::Queue>,
    device: Guarded<wgpu::Device>,
    pub(crate) target: Target,
    info: wgpu::AdapterInfo,
    pub(super) runtime_checks: bool,
    /// Whether tensors are surrounded by sentinels.
    pub(crate) sentinels: bool,
    pub(super) faults: Arc<Faults>,
    /// Bytes of its buffers.
    pub(crate) budget: Arc<Budget>,
    /// Longest wait for a submit.
    timeout: Duration,
    /// Pipelines by shader text: kernels with the same text share a pipeline.
    pub(super) pipelines: Mutex<Recent<Pipeline>>,
    /// The driver's compiled pipelines, kept from run to run.
    pub(super) cache: Option<PipelineCache>,
}

impl Gpu {
    /// Opens the best adapter that fits the options; if it cannot be opened, the next best.
    pub(crate) async fn open(options: &GpuOptions) -> Result<Self> {
        let adapters = choose(adapters().await, options)?;
        let open = |adapter| async move { Gpu::on(&adapter, options).await };
        first_that_opens(adapters, open).await
    }

    /// Opens this adapter.
    pub(crate) async fn on(adapter: &wgpu::Adapter, options: &GpuOptions) -> Result<Self> {
        let info = adapter.get_info();
        if options.timeout.is_zero() {
            return Err(Error::argument("the time-out", "above 0", "0 s"));
        }
        if let Some(tuning) = &options.tuning {
            tuning.check_adapter(&AdapterReport::new(&info).to_string())?;
        }
        let supported = adapter.limits();
        let mut features = wgpu::Features::empty();
        if options.subgroups {
            features |= adapter.features() & wgpu::Features::SUBGROUP;
        }
        let bounded = info.device_type == wgpu::DeviceType::Cpu;
        let software = bounded && !options.hardware_kernels;
        if options.words64 && software {
            features |= adapter.features() & wgpu::Features::SHADER_INT64;
        }
        // For profiles. Unused queries cost nothing.
        features |= adapter.features() & wgpu::Features::TIMESTAMP_QUERY;
        if options.pipeline_cache.is_some() {
            features |= adapter.features() & wgpu::Features::PIPELINE_CACHE;
        }
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("wgrad"),
            required_features: features,
            // WebGPU's default limits, except for sizes: these are as large as the adapter allows.
            required_limits: wgpu::Limits {
                max_buffer_size: supported.max_buffer_size,
                max_storage_buffer_binding_size: supported.max_storage_buffer_binding_size,
                ..wgpu::Limits::default()
            },
            ..Default::default()
        };
        let refused = |message: String| Error::OpenDevice {
            adapter: info.name.clone(),
            message,
        };
        let (device, queue) = catch_async(adapter.request_device(&descriptor))
            .await
            .map_err(|words| refused(format!("wgpu panicked: {words}")))?
            .map_err(|error| refused(error.to_string()))?;
        let (queue, device) = (Guarded::new(queue), Guarded::new(device));
        let budget = Budget::new(options.memory_limit);
        // Before the first call on the device: wgpu panics for errors without a handler.
        let faults = Faults::watch(&device, Arc::clone(&budget));
        let folder = options.pipeline_cache.as_deref();
        let cache = folder.map(|folder| catch(|| PipelineCache::open(&device, &info, folder)));
        let cache = cache.and_then(|opened| opened.ok().flatten());
        let one_width = info.subgroup_min_size == info.subgroup_max_size;
        Ok(Gpu {
            faults,
            budget,
            cache,
            target: Target {
                software,
                bounded,
                subgroup: (features.contains(wgpu::Features::SUBGROUP) && one_width)
                    .then_some(info.subgroup_min_size),
                words64: features.contains(wgpu::Features::SHADER_INT64),
                tuning: options.tuning.clone(),
            },
            queue,
            device,
            timeout: options.timeout,
            info,
            runtime_checks: options.runtime_checks,
            sentinels: options.sentinels,
            pipelines: Mutex::default(),
        })
    }

    pub(crate) fn report(&self) -> DeviceReport {
        let limits = self.device.limits();
        DeviceReport {
            adapter: AdapterReport::new(&self.info),
            max_buffer_bytes: limits.max_buffer_size,
            max_binding_bytes: limits.max_storage_buffer_binding_size,
            memory_limit: self.budget.limit,
            keeps_pipelines: self.cache.is_some(),
            subgroup: self.target.subgroup,
            words64: self.target.words64,
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
        self.check()?;
        let error = match collecting(|| call(&self.device, &self.queue)) {
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
    pub(super) fn destroy(&self) {
        self.faults.lose("it was destroyed".into());
        let _ = catch(|| self.device.destroy());
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

    /// A zeroed buffer that kernels can bind, of at least this many bytes.
    pub(crate) fn allocate(&self, what: &str, bytes: u64) -> Result<Buffer> {
        use wgpu::BufferUsages as Usage;
        self.check_size(what, bytes)?;
        // A binding must not be empty, and kernels read whole vec4s.
        let size = bytes.next_multiple_of(16).max(16);
        self.buffer(
            what,
            size,
            Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC,
        )
    }

    /// Allocates several such buffers, given as labels and bytes: all or none. Beyond the limit nothing is allocated.
    pub(crate) fn allocate_all(
        &self,
        what: &str,
        buffers: &[(String, u64)],
    ) -> Result<Vec<Buffer>> {
        for (label, bytes) in buffers {
            self.check_size(label, *bytes)?;
        }
        let (used, total) = (self.budget.used(), buffers.iter().map(|b| b.1).sum());
        self.budget.check(what, total)?;
        let allocated = buffers
            .iter()
            .map(|(label, bytes)| self.allocate(label, *bytes));
        allocated
            .collect::<Result<_>>()
            .map_err(|error| match error {
                // The error states the bytes of all buffers, not of the one that failed.
                Error::OutOfMemory {
                    available, message, ..
                } => Error::OutOfMemory {
                    what: what.to_string(),
                    needed: used.saturating_add(total),
                    available,
                    message,
                },
                other => other,
            })
    }

    /// Checks that `bytes` fit into one binding.
    pub(crate) fn check_size(&self, what: &str, bytes: u64) -> Result<()> {
        let limits = self.device.limits();
        let limit = limits
            .max_buffer_size
            .min(limits.max_storage_buffer_binding_size);
        if bytes <= limit {
            return Ok(());
        }
        Err(Error::Limit {
            what: what.to_string(),
            needed: bytes,
            limit,
            unit: "bytes in one binding",
            advice: "Use a smaller layer, batch or data set (bytes instead of floats), or another adapter",
        })
    }

    /// A buffer that the host reads.
    pub(crate) fn staging(&self, bytes: u64) -> Result<Buffer> {
        self.buffer(
            "staging",
            bytes,
            wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        )
    }

    pub(super) fn buffer(
        &self,
        what: &str,
        size: u64,
        usage: wgpu::BufferUsages,
    ) -> Result<Buffer> {
        let descriptor = wgpu::BufferDescriptor {
            label: Some(what),
            size,
            usage,
            mapped_at_creation: false,
        };
        self.check()?;
        let share = self.budget.take(what, size)?;
        match self.call(what, 0, |device, _| device.create_buffer(&descriptor)) {
            Ok(buffer) => Ok(Buffer::new(buffer, share)),
            Err(Error::OutOfMemory { what, message, .. }) => {
                // A refused buffer takes no memory.
                drop(share);
                let available = self.budget.used();
                Err(Error::OutOfMemory {
                    what,
                    needed: available.saturating_add(size),
                    available,
                    message,
                })
            }
            Err(error) => Err(error),
        }
    }

    /// A buffer that kernels can bind, with these words.
    pub(crate) fn upload(&self, what: &str, words: &[u32]) -> Result<Buffer> {
        let buffer = self.allocate(what, words.len() as u64 * 4)?;
        self.write(&buffer, 0, words)?;
        Ok(buffer)
    }

    /// Writes words into a buffer from a byte on, before all submits to come.
    pub(crate) fn write(&self, buffer: &Buffer, offset: u64, words: &[u32]) -> Result<()> {
        let bytes = bytemuck::cast_slice(words);
        self.call("an upload", bytes.len() as u64, |_, queue| {
            queue.write_buffer(buffer, offset, bytes);
        })
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
