//! The host's own time for a training step: wgrad on wgpu's `noop` backend, whose device does nothing, compared with
//! bare wgpu that encodes and submits as many dispatches, in one run.
//!
//! ```text
//! cargo bench --bench host
//! ```
//!
//! The step is that of 784-512-512-10, batch 64, Adam, on resident data: 11 dispatches. The dispatches of bare wgpu
//! have four storage bindings each, like most of wgrad's, and a parameter block. Both encode the dispatches of a
//! submit in one compute pass, and copy state and results to a staging buffer in the same submit. wgrad also writes
//! the submit's entries of the step table, and maps and reads the results, with three submits in flight. A second bare
//! loop does this too.

use std::error::Error;
use std::time::Instant;
use wgrad::{Adam, Dataset, Device, GpuOptions, Sequential, Trainer, wgpu};

/// Dispatches of a step.
const DISPATCHES: usize = 11;

/// Steps timed at a time, and how often. The median counts.
const STEPS: usize = 4096;
const ROUNDS: usize = 15;

/// Submits in flight.
const IN_FLIGHT: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    // Run as a test, it has nothing to check quickly.
    if !std::env::args().any(|arg| arg == "--bench") {
        return Ok(());
    }
    let adapter = noop_adapter()?;
    println!("µs of a step, median of {ROUNDS} rounds (least)");
    println!(
        "{:>14} {:>18} {:>18} {:>18} {:>8}",
        "steps a submit", "wgrad", "bare wgpu", "with results read", "ratio"
    );
    for steps_per_submit in [1, 16] {
        let data = data()?;
        let mut trainer = trainer(&adapter, steps_per_submit)?;
        assert_eq!(trainer.dispatches_per_step(), DISPATCHES);
        let mut bare = Bare::new(&adapter)?;
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        // They take turns in every round, so that a slow moment of the machine affects all.
        for _ in 0..ROUNDS {
            let mut time = |slot: usize, run: &mut dyn FnMut() -> Result<(), Box<dyn Error>>| {
                let start = Instant::now();
                run()?;
                times[slot].push(1e6 * start.elapsed().as_secs_f64() / STEPS as f64);
                Ok::<_, Box<dyn Error>>(())
            };
            time(0, &mut || {
                trainer.steps(&data, STEPS as u64)?;
                Ok(())
            })?;
            time(1, &mut || bare.run(steps_per_submit, false))?;
            time(2, &mut || bare.run(steps_per_submit, true))?;
        }
        for times in &mut times {
            times.sort_by(f64::total_cmp);
        }
        let show = |times: &[f64]| format!("{:.2} ({:.2})", times[ROUNDS / 2], times[0]);
        println!(
            "{steps_per_submit:>14} {:>18} {:>18} {:>18} {:>8.2}",
            show(&times[0]),
            show(&times[1]),
            show(&times[2]),
            times[0][ROUNDS / 2] / times[1][ROUNDS / 2]
        );
    }
    Ok(())
}

/// The adapter of wgpu's backend that does nothing.
fn noop_adapter() -> Result<wgpu::Adapter, Box<dyn Error>> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::NOOP;
    descriptor.backend_options.noop.enable = true;
    descriptor.flags = wgpu::InstanceFlags::empty();
    let instance = wgpu::Instance::new(descriptor);
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::NOOP));
    adapters
        .into_iter()
        .next()
        .ok_or_else(|| "wgpu has no noop adapter".into())
}

fn trainer(adapter: &wgpu::Adapter, steps_per_submit: usize) -> wgrad::Result<Trainer> {
    let device = Device::on_adapter(adapter, GpuOptions::default())?;
    let layers = Sequential::new(784).dense(512).relu().dense(512).relu();
    Trainer::builder(layers.dense(10).build(&device, 0)?)
        .optimizer(Adam::new(1e-3))
        .batch_size(64)
        .steps_per_submit(steps_per_submit)
        .build()
}

/// An epoch of 1,024 steps, so that work done once an epoch is negligible.
fn data() -> wgrad::Result<Dataset> {
    let samples = 64 * 1024;
    let labels = (0..samples).map(|i| (i % 10) as u32).collect();
    Dataset::from_bytes(784, vec![0; 784 * samples], labels, 10)
}

/// Bare wgpu with all static objects created once.
struct Bare {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipelines: Vec<(wgpu::ComputePipeline, wgpu::BindGroup)>,
    state: wgpu::Buffer,
    results: wgpu::Buffer,
    table: wgpu::Buffer,
    staging: Vec<wgpu::Buffer>,
}

impl Bare {
    fn new(adapter: &wgpu::Adapter) -> Result<Self, Box<dyn Error>> {
        let (device, queue) = pollster::block_on(adapter.request_device(&Default::default()))?;
        let buffer = |size, usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size,
                usage,
                mapped_at_creation: false,
            })
        };
        use wgpu::BufferUsages as Usage;
        let kept = Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC;
        let buffers: Vec<_> = (0..2 * DISPATCHES).map(|_| buffer(1 << 16, kept)).collect();
        let block = buffer(256, Usage::UNIFORM | Usage::COPY_DST);
        let mut pipelines = Vec::new();
        for call in 0..DISPATCHES {
            // Different texts, so that there are as many pipelines.
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: None,
                source: wgpu::ShaderSource::Wgsl(SHADER.replace("CALL", &call.to_string()).into()),
            });
            let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: None,
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options: Default::default(),
                cache: None,
            });
            let bound = [&block]
                .into_iter()
                .chain(&buffers[2 * call..][..2])
                .chain(&buffers[2 * ((call + 1) % DISPATCHES)..][..2]);
            let entries: Vec<_> = bound
                .enumerate()
                .map(|(binding, buffer)| wgpu::BindGroupEntry {
                    binding: binding as u32,
                    resource: buffer.as_entire_binding(),
                })
                .collect();
            let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: None,
                layout: &pipeline.get_bind_group_layout(0),
                entries: &entries,
            });
            pipelines.push((pipeline, bindings));
        }
        let staging = (0..IN_FLIGHT).map(|_| buffer(4096, Usage::MAP_READ | Usage::COPY_DST));
        Ok(Bare {
            pipelines,
            state: buffer(16, kept),
            results: buffer(4080, kept),
            table: buffer(4096, kept),
            staging: staging.collect(),
            device,
            queue,
        })
    }

    /// Runs the timed steps. With `results`, it also writes the step table, and maps and reads the copies.
    fn run(&mut self, steps_per_submit: usize, results: bool) -> Result<(), Box<dyn Error>> {
        let entries = vec![0; 32 * steps_per_submit];
        let mut in_flight = std::collections::VecDeque::new();
        for submit in 0..STEPS / steps_per_submit {
            let staging = &self.staging[submit % IN_FLIGHT];
            if results {
                self.queue.write_buffer(&self.table, 0, &entries);
            }
            let mut encoder = self.device.create_command_encoder(&Default::default());
            let mut pass = encoder.begin_compute_pass(&Default::default());
            for _ in 0..steps_per_submit {
                for (pipeline, bindings) in &self.pipelines {
                    pass.set_pipeline(pipeline);
                    pass.set_bind_group(0, bindings, &[]);
                    pass.dispatch_workgroups(8, 8, 1);
                }
            }
            drop(pass);
            encoder.copy_buffer_to_buffer(&self.state, 0, staging, 0, 16);
            encoder.copy_buffer_to_buffer(&self.results, 0, staging, 16, 4080);
            let index = self.queue.submit([encoder.finish()]);
            if results {
                staging.map_async(wgpu::MapMode::Read, .., |_| ());
                in_flight.push_back((staging, index));
                if in_flight.len() == IN_FLIGHT {
                    read(&self.device, in_flight.pop_front())?;
                }
            }
        }
        while !in_flight.is_empty() {
            read(&self.device, in_flight.pop_front())?;
        }
        self.device.poll(wgpu::PollType::wait_indefinitely())?;
        Ok(())
    }
}

/// Waits for a submit and reads its copies.
fn read(
    device: &wgpu::Device,
    submit: Option<(&wgpu::Buffer, wgpu::SubmissionIndex)>,
) -> Result<(), Box<dyn Error>> {
    let Some((staging, index)) = submit else {
        return Ok(());
    };
    device.poll(wgpu::PollType::Wait {
        submission_index: Some(index),
        timeout: None,
    })?;
    let view = staging.get_mapped_range(..)?;
    let sum: u64 = view.iter().map(|&byte| u64::from(byte)).sum();
    std::hint::black_box(sum);
    drop(view);
    staging.unmap();
    Ok(())
}

/// Four storage bindings and a parameter block, like wgrad's kernels.
const SHADER: &str = "
@group(0) @binding(0) var<uniform> p: vec4<u32>;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> c: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> d: array<vec4<f32>>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    c[id.x] = a[id.x] + CALL.0;
    d[id.x] = b[id.x] * f32(p.x);
}
";
