//! A wgpu device: opening, buffers, submitting, waiting.

use super::adapter::{adapters, choose};
use super::budget::{Budget, Buffer};
use super::faults::{Faults, driver_words};
use super::pipeline_cache::PipelineCache;
use super::record::Pipeline;
use super::{AdapterReport, DeviceReport, GpuOptions};
use crate::kernel::Target;
use crate::parallel::Threads;
use crate::{Error, Result};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long the device may take to answer. Operating systems reset a device that works on one submit for seconds;
/// a software adapter may honestly need longer.
const TIMEOUT: Duration = Duration::from_secs(300);

/// An open GPU.
#[derive(Debug)]
pub(crate) struct Gpu {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) target: Target,
    info: wgpu::AdapterInfo,
    pub(super) runtime_checks: bool,
    /// Whether tensors lie between sentinels.
    pub(crate) sentinels: bool,
    faults: Arc<Faults>,
    /// What its buffers take.
    pub(crate) budget: Arc<Budget>,
    last_submission: Mutex<Option<wgpu::SubmissionIndex>>,
    /// By shader text: two kernels with the same text share a pipeline.
    pub(super) pipelines: Mutex<HashMap<String, Pipeline>>,
    /// What the driver has compiled, from run to run.
    pub(super) cache: Option<PipelineCache>,
}

impl Gpu {
    /// Opens the adapter that fits the options.
    pub(crate) async fn open(options: &GpuOptions) -> Result<Self> {
        let adapter = choose(adapters().await, options)?;
        Gpu::on(&adapter, options).await
    }

    /// Opens this adapter.
    pub(crate) async fn on(adapter: &wgpu::Adapter, options: &GpuOptions) -> Result<Self> {
        let info = adapter.get_info();
        let supported = adapter.limits();
        let mut features = wgpu::Features::empty();
        if options.subgroups {
            features |= adapter.features() & wgpu::Features::SUBGROUP;
        }
        let software = info.device_type == wgpu::DeviceType::Cpu && !options.hardware_kernels;
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
        let (device, queue) =
            adapter
                .request_device(&descriptor)
                .await
                .map_err(|error| Error::OpenDevice {
                    adapter: info.name.clone(),
                    message: error.to_string(),
                })?;
        if let Some(tuning) = &options.tuning {
            tuning.check_adapter(&AdapterReport::new(&info).to_string())?;
        }
        let folder = options.pipeline_cache.as_deref();
        let cache = folder.and_then(|folder| PipelineCache::open(&device, &info, folder));
        let budget = Budget::new(options.memory_limit);
        let one_width = info.subgroup_min_size == info.subgroup_max_size;
        Ok(Gpu {
            faults: Faults::watch(&device, Arc::clone(&budget)),
            budget,
            cache,
            target: Target {
                software,
                subgroup: (features.contains(wgpu::Features::SUBGROUP) && one_width)
                    .then_some(info.subgroup_min_size),
                words64: features.contains(wgpu::Features::SHADER_INT64),
                tuning: options.tuning.clone(),
            },
            device,
            queue,
            info,
            runtime_checks: options.runtime_checks,
            sentinels: options.sentinels,
            last_submission: Mutex::default(),
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
        if self.faults.any() {
            // A lost device first shows as refused calls; that it is lost, wgpu says when polled.
            self.poll(wgpu::PollType::Poll);
        }
        self.faults.check()
    }

    /// Polls. wgpu panics there when the device is lost: that becomes a fault, and `None`.
    pub(super) fn poll(
        &self,
        how: wgpu::PollType,
    ) -> Option<std::result::Result<wgpu::PollStatus, wgpu::PollError>> {
        let polled = catch_unwind(AssertUnwindSafe(|| self.device.poll(how)));
        if polled.is_err() {
            self.faults
                .lose("wgpu panicked while polling the device".into());
        }
        polled.ok()
    }

    /// Whether the device can tell when a call began and ended.
    pub(crate) fn has_timestamps(&self) -> bool {
        self.device
            .features()
            .contains(wgpu::Features::TIMESTAMP_QUERY)
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
        self.check()?;
        let share = self.budget.take(what, size)?;
        // A scope is a thread's own: no other thread can take this error for its own.
        #[cfg(not(target_arch = "wasm32"))]
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(what),
            size,
            usage,
            mapped_at_creation: false,
        });
        #[cfg(not(target_arch = "wasm32"))]
        if let Some(refused) = pollster::block_on(scope.pop()) {
            drop(share);
            let available = self.budget.used();
            return Err(Error::OutOfMemory {
                what: what.to_string(),
                needed: available.saturating_add(size),
                available,
                message: driver_words(&refused),
            });
        }
        self.check()?;
        Ok(Buffer::new(buffer, share))
    }

    /// A buffer that kernels can bind, with these words.
    pub(crate) fn upload(&self, what: &str, words: &[u32]) -> Result<Buffer> {
        let buffer = self.allocate(what, words.len() as u64 * 4)?;
        self.queue
            .write_buffer(&buffer, 0, bytemuck::cast_slice(words));
        self.check()?;
        Ok(buffer)
    }

    /// Submits what `encode` encodes.
    pub(crate) fn submit(&self, encode: impl FnOnce(&mut wgpu::CommandEncoder)) -> Result<()> {
        self.check()?;
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encode(&mut encoder);
        // Under the lock, so that the index kept is the greatest though threads submit at the same time.
        let mut last = self
            .last_submission
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last = Some(self.queue.submit([encoder.finish()]));
        drop(last);
        self.check()
    }

    /// The most recent submission, to wait for.
    pub(crate) fn last_submission(&self) -> Option<wgpu::SubmissionIndex> {
        self.last_submission
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until a submission is done and its callbacks have run.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn wait(&self, submission: Option<wgpu::SubmissionIndex>) -> Result<()> {
        self.check()?;
        let polled = self.poll(wgpu::PollType::Wait {
            submission_index: submission,
            timeout: Some(TIMEOUT),
        });
        match polled {
            None | Some(Ok(_)) => self.check(),
            Some(Err(wgpu::PollError::Timeout)) => Err(Error::Timeout {
                seconds: TIMEOUT.as_secs(),
            }),
            Some(Err(error)) => {
                self.check()?;
                Err(Error::Gpu {
                    message: error.to_string(),
                })
            }
        }
    }
}
