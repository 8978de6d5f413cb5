//! Preparation of kernel calls on a GPU: shaders, pipelines, parameter blocks, bind groups.

use super::pipeline::Pipeline;
use super::{Buffer, Gpu};
use crate::kernel::base::program::{MAX_ITERATIONS, MAX_WORKGROUPS_PER_DIMENSION, fold};
use crate::kernel::{Binding, Capabilities, Compute, Kernel};
use crate::{Error, Result};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// Alignment of parameter blocks, in bytes: WebGPU's default for uniform bindings.
const UNIFORM_ALIGNMENT: u64 = 256;

/// A part of a buffer that is bound to a kernel; offset and size in bytes.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) buffer: Buffer,
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

/// Prepared calls. Everything static exists, so that a step only encodes.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    calls: Vec<RecordedCall>,
    /// The parameter blocks, to which the bind groups refer.
    blocks: Option<Buffer>,
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
        for call in 0..self.calls.len() {
            self.encode_call(call, pass);
        }
    }

    /// Encodes one call.
    pub(super) fn encode_call(&self, call: usize, pass: &mut wgpu::ComputePass<'_>) {
        let call = &self.calls[call];
        pass.set_pipeline(&call.pipeline);
        pass.set_bind_group(0, &call.bindings, &[]);
        pass.dispatch_workgroups(call.workgroups[0], call.workgroups[1], 1);
    }

    /// Bytes of the parameter blocks.
    pub(crate) fn bytes(&self) -> u64 {
        self.blocks.as_ref().map_or(0, |blocks| blocks.size())
    }

    /// Number of calls.
    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }
}

impl Gpu {
    /// Prepares calls for encoding: pipelines, parameter blocks, bind groups.
    pub(crate) fn record(&self, calls: &[(&Kernel, Vec<Region>)]) -> Result<Recorded> {
        self.record_for(&self.capabilities, calls)
    }

    /// The same, in the variants for another target than the device's own.
    pub(crate) fn record_for(
        &self,
        capabilities: &Capabilities,
        calls: &[(&Kernel, Vec<Region>)],
    ) -> Result<Recorded> {
        let programs: Vec<_> = calls
            .iter()
            .map(|(kernel, regions)| (kernel, regions, kernel.program(capabilities)))
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
        // An empty vector's pointer need not be aligned to words.
        if !blocks.is_empty() {
            self.write(&params, 0, bytemuck::cast_slice(&blocks))?;
        }
        let mut recorded = Recorded {
            calls: Vec::with_capacity(programs.len()),
            blocks: Some(params.clone()),
        };
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
            if capabilities.bounded && program.iterations > MAX_ITERATIONS {
                return Err(Error::Limit {
                    what: kernel.label(),
                    needed: program.iterations,
                    limit: MAX_ITERATIONS,
                    unit: "loop iterations in one invocation",
                    advice: "Use a smaller batch or layer, or the CPU device",
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
            let descriptor = wgpu::BindGroupDescriptor {
                label: None,
                layout: &pipeline.layout,
                entries: &entries,
            };
            recorded.calls.push(RecordedCall {
                bindings: self.call("the bindings of a kernel", 0, |device, _| {
                    device.create_bind_group(&descriptor)
                })?,
                pipeline: pipeline.pipeline,
                workgroups,
            });
            offset += (program.params.len() as u64).next_multiple_of(UNIFORM_ALIGNMENT);
        }
        Ok(recorded)
    }

    fn pipeline(&self, label: &str, source: &str, bindings: &[Binding]) -> Result<Pipeline> {
        let mut pipelines = self
            .pipelines
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(pipeline) = pipelines.get(source) {
            return Ok(pipeline);
        }
        let made = self.call("a pipeline", 0, |device, _| {
            self.compile(device, label, source, bindings)
        })?;
        if let Some(cache) = &self.cache {
            cache.changed.store(true, Ordering::Relaxed);
        }
        pipelines.insert(source, made.clone());
        Ok(made)
    }

    fn compile(
        &self,
        device: &wgpu::Device,
        label: &str,
        source: &str,
        bindings: &[Binding],
    ) -> Pipeline {
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
            let read_only = !binding.is_written();
            entries.push(entry(
                binding.number,
                wgpu::BufferBindingType::Storage { read_only },
            ));
        }
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(label),
            entries: &entries,
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(label),
            bind_group_layouts: &[Some(&layout)],
            ..Default::default()
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(label),
            layout: Some(&pipeline_layout),
            module: &self.shader(device, label, source),
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: self.cache.as_ref().map(|cache| &cache.raw),
        });
        Pipeline { pipeline, layout }
    }

    /// Compiles one of wgrad's own shaders.
    #[expect(
        unsafe_code,
        reason = "bounds checks and loop counters cost most of a matrix product's speed"
    )]
    fn shader(&self, device: &wgpu::Device, label: &str, source: &str) -> wgpu::ShaderModule {
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: Some(label),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        };
        if self.runtime_checks {
            return device.create_shader_module(descriptor);
        }
        // SAFETY: only wgrad's kernels are compiled here. Each stays within its buffers, whose sizes its Rust side has
        // checked against its shape. Its loops end. The host has validated the labels and indices that it reads. The
        // tests run every kernel with and without checks, between sentinels.
        unsafe {
            device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
        }
    }
}
