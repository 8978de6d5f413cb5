//! A wgpu device: opening, buffers, submitting, waiting.

use super::adapter::{adapters, choose, first_that_opens};
use super::budget::{Budget, Buffer};
use super::faults::{Faults, typed};
use super::guarded::{Guarded, catch, catch_async, collecting, panicked};
use super::pipeline_cache::PipelineCache;
use super::recent::Recent;
use super::record::Pipeline;
use super::{AdapterReport, DeviceReport, GpuOptions};
use crate::kernel::Target;
use crate::threads::Threads;
use crate::time::Duration;
use crate::{Error, Result};
use std::sync::{Arc, Mutex};

/// An open GPU.
#[derive(Debug)]
pub(crate) struct Gpu {
    // The queue is dropped first: it waits for the device.
    queue: Guarded<wgpu::Queue>,
    device: Guarded<wgpu::Device>,
    pub(crate) target: Target,
    info: wgpu::AdapterInfo,
    pub(super) runtime_checks: bool,
    /// Whether tensors lie between sentinels.
    pub(crate) sentinels: bool,
    pub(super) faults: Arc<Faults>,
    /// What its buffers take.
    pub(crate) budget: Arc<Budget>,
    /// How long to wait for it.
    timeout: Duration,
    /// By shader text: two kernels with the same text share a pipeline.
    pub(super) pipelines: Mutex<Recent<Pipeline>>,
    /// What the driver has compiled, from run to run.
    pub(super) cache: Option<PipelineCache>,
}

impl Gpu {
    /// Opens the best adapter that fits the options; if it cannot be opened, the next one that does.
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
        // For profiles; costs nothing until one is asked for.
        features |= adapter.features() & wgpu::Features::TIMESTAMP_QUERY;
        if options.pipeline_cache.is_some() {
            features |= adapter.features() & wgpu::Features::PIPELINE_CACHE;
        }
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("wgrad"),
            required_features: features,
            // WebGPU's defaults for all but the sizes, where more is better.
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
        // Before anything is made on the device: wgpu panics for what is reported to nobody.
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

    /// The loss of the device, or the first fault that wgpu reported since the last check.
    pub(crate) fn check(&self) -> Result<()> {
        if self.faults.has_error() {
            self.learn_of_loss();
        }
        self.faults.check()
    }

    /// What a call that failed is to give: the loss of the device, where that is the cause.
    pub(super) fn failure(&self, message: String) -> Error {
        self.learn_of_loss();
        self.faults.lost().unwrap_or(Error::Gpu { message })
    }

    /// A lost device first shows as refused calls; that it is lost, wgpu says when polled.
    fn learn_of_loss(&self) {
        if self.faults.lost().is_none() {
            let _ = catch(|| self.device.poll(wgpu::PollType::Poll));
        }
    }

    /// The only way to wgpu's device and queue for what they may refuse. A refusal is this call's error, whatever other
    /// threads do meanwhile; a panic is an error too; and everything is [`Error::DeviceLost`] once the device is lost.
    /// `what` and `bytes` are for want of memory: what needs it, and how much beside the buffers that are counted.
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
                // A buffer that was refused is no more when its bytes are.
                drop(result);
                typed(refused, what, bytes, &self.budget)
            }
        };
        self.learn_of_loss();
        Err(self.faults.lost().unwrap_or(error))
    }

    /// Destroys the device. All threads see it as lost before any of their calls is refused for it.
    pub(super) fn destroy(&self) {
        self.faults.lose("it was destroyed".into());
        let _ = catch(|| self.device.destroy());
        // Gives up what it holds, if nothing runs any more.
        let _ = catch(|| self.device.poll(wgpu::PollType::Poll));
    }

    /// Whether the device can tell when a call began and ended.
    pub(crate) fn has_timestamps(&self) -> bool {
        self.device
            .features()
            .contains(wgpu::Features::TIMESTAMP_QUERY)
    }

    /// Timestamp queries, so many.
    pub(super) fn timestamps(&self, count: u32) -> Result<wgpu::QuerySet> {
        self.call("timestamps", 8 * u64::from(count), |device, _| {
            device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("timestamps"),
                ty: wgpu::QueryType::Timestamp,
                count,
            })
        })
    }

    /// Nanoseconds in a tick of them.
    pub(super) fn timestamp_period(&self) -> f32 {
        self.queue.get_timestamp_period()
    }

    /// A zeroed buffer that kernels can bind, of at least this many bytes.
    pub(crate) fn allocate(&self, what: &str, bytes: u64) -> Result<Buffer> {
        use wgpu::BufferUsages as Usage;
        self.check_size(what, bytes)?;
        // A binding must not be empty, and whole vec4s are read.
        let size = bytes.next_multiple_of(16).max(16);
        self.buffer(
            what,
            size,
            Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC,
        )
    }

    /// Several such buffers with their labels: all of them or none. Where the limit is too low, nothing is allocated.
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
                // What was needed is all of it, not the first buffer that found no room.
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

    /// Refuses what is too large for one binding.
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
                // What was refused takes no room.
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

    /// Submits what `encode` encodes. The index is for waiting until it is done: it is this submit's, and one that wgpu has
    /// taken, since it panics when one is waited for that it refused.
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

    /// What a wait came to.
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
