//! The textbook product of two square matrices, with bare wgpu.

use std::error::Error;
use wgpu::util::DeviceExt;
use wgrad::DeviceReport;

/// Sides of its workgroups, as in `naive.wgsl`.
const TILE: usize = 8;

/// A prepared product C = A·B, on its own device of the adapter that wgrad chose.
pub(crate) struct Naive {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    c: wgpu::Buffer,
    size: usize,
}

impl Naive {
    pub(crate) fn new(
        chosen: &DeviceReport,
        size: usize,
        a: &[f32],
        b: &[f32],
    ) -> Result<Self, Box<dyn Error>> {
        assert!(size.is_multiple_of(TILE));
        let descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        let instance = wgpu::Instance::new(descriptor);
        let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
        let same = |info: wgpu::AdapterInfo| {
            info.name == chosen.adapter.name && info.backend.to_string() == chosen.adapter.backend
        };
        let adapter = adapters
            .into_iter()
            .find(|adapter| same(adapter.get_info()));
        let adapter = adapter.ok_or("the adapter that wgrad chose is gone")?;
        let (device, queue) = pollster::block_on(adapter.request_device(&Default::default()))?;
        // With wgpu's bounds checks and loop counters, which are the default.
        let text = format!("const N = {size}u;\n{}", include_str!("../naive.wgsl"));
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("naive"),
            source: wgpu::ShaderSource::Wgsl(text.into()),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("naive"),
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: Default::default(),
            cache: None,
        });
        let buffer = |floats: &[f32]| {
            device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
                label: None,
                contents: bytemuck::cast_slice(floats),
                usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
            })
        };
        // NaN, so that missing writes are noticed.
        let [a, b, c] = [a, b, &vec![f32::NAN; size * size]].map(buffer);
        let buffers = [&a, &b, &c];
        let entries = [0, 1, 2].map(|i| wgpu::BindGroupEntry {
            binding: i as u32,
            resource: buffers[i].as_entire_binding(),
        });
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        Ok(Naive {
            device,
            queue,
            pipeline,
            bindings,
            c,
            size,
        })
    }

    /// Computes C and waits.
    pub(crate) fn run(&self) -> Result<(), Box<dyn Error>> {
        let groups = (self.size / TILE) as u32;
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bindings, &[]);
        pass.dispatch_workgroups(groups, groups, 1);
        drop(pass);
        self.queue.submit([encoder.finish()]);
        self.device.poll(wgpu::PollType::wait_indefinitely())?;
        Ok(())
    }

    /// C.
    pub(crate) fn download(&self) -> Result<Vec<f32>, Box<dyn Error>> {
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: self.c.size(),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&self.c, 0, &staging, 0, self.c.size());
        self.queue.submit([encoder.finish()]);
        staging.map_async(wgpu::MapMode::Read, .., |result| result.expect("mapping C"));
        self.device.poll(wgpu::PollType::wait_indefinitely())?;
        let view = staging.get_mapped_range(..)?;
        Ok(bytemuck::cast_slice(&view).to_vec())
    }
}
