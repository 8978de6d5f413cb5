//! A wgpu device: opening, pipelines, buffers, submitting, waiting.

use super::faults::Faults;
use super::{AdapterReport, DeviceReport, GpuOptions};
use crate::kernel::program::{MAX_WORKGROUPS_PER_DIMENSION, fold};
use crate::kernel::{Access, Binding, Compute, Kernel, Target};
use crate::{Error, Result};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long the device may take to answer. Operating systems reset a device that works on one submit for seconds;
/// a software adapter may honestly need longer.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Parameter blocks start at multiples of this: WebGPU's default alignment of uniform bindings.
const UNIFORM_ALIGNMENT: u64 = 256;

/// An open GPU.
#[derive(Debug)]
pub(crate) struct Gpu {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) target: Target,
    info: wgpu::AdapterInfo,
    runtime_checks: bool,
    /// Whether tensors lie between sentinels.
    pub(crate) sentinels: bool,
    faults: Arc<Faults>,
    last_submission: Mutex<Option<wgpu::SubmissionIndex>>,
    /// By shader text: two kernels with the same text share a pipeline.
    pipelines: Mutex<HashMap<String, Pipeline>>,
}

#[derive(Clone, Debug)]
struct Pipeline {
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
}

/// A part of a buffer, bound to a kernel.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) buffer: wgpu::Buffer,
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

/// Calls made ready: everything static is made, so a step only encodes.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    calls: Vec<RecordedCall>,
}

#[derive(Debug)]
struct RecordedCall {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    workgroups: [u32; 2],
}

impl Recorded {
    /// Encodes the calls into a pass.
    pub(crate) fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        for call in &self.calls {
            pass.set_pipeline(&call.pipeline);
            pass.set_bind_group(0, &call.bindings, &[]);
            pass.dispatch_workgroups(call.workgroups[0], call.workgroups[1], 1);
        }
    }
}

/// The adapters of this machine, in wgpu's order.
pub(crate) async fn adapters() -> Vec<wgpu::Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    // The instance's validation layers and debug labels are for hunting bugs; `WGPU_VALIDATION=1` switches them on.
    descriptor.flags = wgpu::InstanceFlags::empty().with_env();
    let instance = wgpu::Instance::new(descriptor);
    instance.enumerate_adapters(wgpu::Backends::all()).await
}

impl Gpu {
    pub(crate) async fn open(options: &GpuOptions) -> Result<Self> {
        let adapter = choose(adapters().await, options)?;
        let info = adapter.get_info();
        let supported = adapter.limits();
        let mut features = wgpu::Features::empty();
        if options.subgroups {
            features |= adapter.features() & wgpu::Features::SUBGROUP;
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
        let one_width = info.subgroup_min_size == info.subgroup_max_size;
        Ok(Gpu {
            faults: Faults::watch(&device),
            target: Target {
                software: info.device_type == wgpu::DeviceType::Cpu && !options.hardware_kernels,
                subgroup: (features.contains(wgpu::Features::SUBGROUP) && one_width)
                    .then_some(info.subgroup_min_size),
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
            subgroup: self.target.subgroup,
            threads: rayon::current_num_threads(),
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
    fn poll(
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

    /// A zeroed buffer that kernels can bind, of at least this many bytes.
    pub(crate) fn allocate(&self, what: &str, bytes: u64) -> Result<wgpu::Buffer> {
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
    pub(crate) fn staging(&self, bytes: u64) -> Result<wgpu::Buffer> {
        self.buffer(
            "staging",
            bytes,
            wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        )
    }

    fn buffer(&self, what: &str, size: u64, usage: wgpu::BufferUsages) -> Result<wgpu::Buffer> {
        self.check()?;
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(what),
            size,
            usage,
            mapped_at_creation: false,
        });
        // Full memory arrives at the fault handler before the call returns.
        self.check()?;
        Ok(buffer)
    }

    /// A buffer that kernels can bind, with these words.
    pub(crate) fn upload(&self, what: &str, words: &[u32]) -> Result<wgpu::Buffer> {
        let buffer = self.allocate(what, words.len() as u64 * 4)?;
        self.queue
            .write_buffer(&buffer, 0, bytemuck::cast_slice(words));
        self.check()?;
        Ok(buffer)
    }

    /// Makes calls ready to be encoded: pipelines, parameter blocks, bind groups.
    pub(crate) fn record(&self, calls: &[(&Kernel, Vec<Region>)]) -> Result<Recorded> {
        let programs: Vec<_> = calls
            .iter()
            .map(|(kernel, regions)| (kernel, regions, kernel.program(&self.target)))
            .filter(|(_, _, program)| program.workgroups > 0)
            .collect();
        let mut blocks = Vec::new();
        for (_, _, program) in &programs {
            blocks.extend_from_slice(&program.params);
            blocks.resize(blocks.len().next_multiple_of(UNIFORM_ALIGNMENT as usize), 0);
        }
        let params = self.buffer(
            "parameter blocks",
            (blocks.len() as u64).max(UNIFORM_ALIGNMENT),
            wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        )?;
        self.queue.write_buffer(&params, 0, &blocks);
        let mut recorded = Recorded::default();
        let mut offset = 0;
        for (kernel, regions, program) in programs {
            let workgroups = fold(program.workgroups);
            if u64::from(workgroups[1]) > MAX_WORKGROUPS_PER_DIMENSION {
                return Err(Error::Limit {
                    what: kernel.label(),
                    needed: program.workgroups,
                    limit: MAX_WORKGROUPS_PER_DIMENSION.pow(2),
                    unit: "workgroups",
                    advice: "Use a smaller batch or layer",
                });
            }
            let bindings = kernel.bindings();
            let pipeline = self.pipeline(&kernel.label(), &program.source, &bindings)?;
            let mut entries = vec![wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: &params,
                    offset,
                    size: wgpu::BufferSize::new(program.params.len() as u64),
                }),
            }];
            assert_eq!(bindings.len(), regions.len(), "{}", kernel.label());
            for (binding, region) in bindings.iter().zip(regions) {
                entries.push(wgpu::BindGroupEntry {
                    binding: binding.number,
                    resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                        buffer: &region.buffer,
                        offset: region.offset,
                        size: wgpu::BufferSize::new(region.bytes.next_multiple_of(16).max(16)),
                    }),
                });
            }
            recorded.calls.push(RecordedCall {
                bindings: self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                    label: None,
                    layout: &pipeline.layout,
                    entries: &entries,
                }),
                pipeline: pipeline.pipeline,
                workgroups,
            });
            offset += (program.params.len() as u64).next_multiple_of(UNIFORM_ALIGNMENT);
        }
        self.check()?;
        Ok(recorded)
    }

    /// Submits what `encode` encodes.
    pub(crate) fn submit(&self, encode: impl FnOnce(&mut wgpu::CommandEncoder)) -> Result<()> {
        self.check()?;
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encode(&mut encoder);
        let submission = self.queue.submit([encoder.finish()]);
        *self
            .last_submission
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(submission);
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

    fn pipeline(&self, label: &str, source: &str, bindings: &[Binding]) -> Result<Pipeline> {
        let mut pipelines = self
            .pipelines
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(pipeline) = pipelines.get(source) {
            return Ok(pipeline.clone());
        }
        let module = self.shader(label, source);
        let buffer = |ty| wgpu::BindingType::Buffer {
            ty,
            has_dynamic_offset: false,
            min_binding_size: None,
        };
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: buffer(ty),
            count: None,
        };
        let mut entries = vec![entry(0, wgpu::BufferBindingType::Uniform)];
        for binding in bindings {
            let read_only = binding.access == Access::Read;
            entries.push(entry(
                binding.number,
                wgpu::BufferBindingType::Storage { read_only },
            ));
        }
        let layout = self
            .device
            .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some(label),
                entries: &entries,
            });
        let pipeline_layout = self
            .device
            .create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(label),
                bind_group_layouts: &[Some(&layout)],
                ..Default::default()
            });
        let pipeline = self
            .device
            .create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(label),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    zero_initialize_workgroup_memory: false,
                    ..Default::default()
                },
                cache: None,
            });
        self.check()?;
        let made = Pipeline { pipeline, layout };
        pipelines.insert(source.to_string(), made.clone());
        Ok(made)
    }

    /// Compiles one of wgrad's own shaders.
    #[expect(
        unsafe_code,
        reason = "bounds checks and loop counters cost most of a matrix product's speed"
    )]
    fn shader(&self, label: &str, source: &str) -> wgpu::ShaderModule {
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: Some(label),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        };
        if self.runtime_checks {
            return self.device.create_shader_module(descriptor);
        }
        // SAFETY: only wgrad's kernels come here. Each keeps within the buffers that its Rust side checked against its
        // shape, has loops that end, and takes labels and indices that the host has validated; the tests run every
        // kernel with and without checks, between sentinels.
        unsafe {
            self.device
                .create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
        }
    }
}

/// The adapter that fits the options: hardware before software, discrete before integrated.
fn choose(adapters: Vec<wgpu::Adapter>, options: &GpuOptions) -> Result<wgpu::Adapter> {
    let present = adapters
        .iter()
        .map(|adapter| AdapterReport::new(&adapter.get_info()).to_string())
        .collect::<Vec<_>>();
    let rank = |info: &wgpu::AdapterInfo| match info.device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    };
    adapters
        .into_iter()
        .enumerate()
        .filter(|(index, adapter)| {
            let info = adapter.get_info();
            let name = info.name.to_lowercase();
            options.index.is_none_or(|wanted| wanted == *index)
                && options.name.as_ref().is_none_or(|wanted| name.contains(&wanted.to_lowercase()))
                && (options.allow_software || info.device_type != wgpu::DeviceType::Cpu)
        })
        .map(|(_, adapter)| adapter)
        .min_by_key(|adapter| rank(&adapter.get_info()))
        .ok_or_else(|| Error::NoAdapter {
            wanted: options.describe(),
            present: if present.is_empty() { "none".into() } else { present.join("; ") },
            advice: "Install the GPU's Vulkan, Metal or DX12 driver, allow software adapters, or use Device::cpu()",
        })
}
