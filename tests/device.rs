//! Devices: on an adapter of the user's, and on wgpu's backend that does nothing.

mod common;

use common::compare::assert_same_bits;
use common::devices::gpu;
use wgrad::{Adam, Dataset, Device, DeviceKind, GpuOptions, Sequential, Trainer, wgpu};

fn data() -> Dataset {
    let values = (0..96 * 7).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0);
    Dataset::from_floats(7, values.collect(), (0..96).map(|i| i % 3).collect(), 3).unwrap()
}

fn trainer(device: &Device) -> Trainer {
    let layers = Sequential::new(7).dense(33).relu().dense(3);
    Trainer::new(layers.build(device, 1).unwrap())
        .optimizer(Adam::new(0.01))
        .batch_size(16)
        .steps_per_submit(4)
        .build()
        .unwrap()
}

/// Two epochs, and what becomes of the first layer's weights.
fn train(device: &Device) -> Vec<f32> {
    let mut trainer = trainer(device);
    trainer.fit(&data(), 2).unwrap();
    trainer.network().parameter("layers.0.weight").unwrap()
}

/// The adapters of an instance of the test's own.
fn adapters(descriptor: wgpu::InstanceDescriptor) -> Vec<wgpu::Adapter> {
    let backends = descriptor.backends;
    let instance = wgpu::Instance::new(descriptor);
    pollster::block_on(instance.enumerate_adapters(backends))
}

#[test]
fn a_device_on_the_users_adapter_gives_the_bits_of_one_that_wgrad_found() {
    let wanted = gpu().report().adapter;
    let adapters = adapters(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = adapters
        .iter()
        .find(|adapter| adapter.get_info().name == wanted.name)
        .unwrap();
    let device = Device::on_adapter(adapter, GpuOptions::default()).unwrap();
    assert_eq!(device.report().adapter.name, wanted.name);
    assert_same_bits("on the user's adapter", &train(&device), &train(gpu()));
    // The adapter is still the user's, and another device on it too.
    let (other, _) = pollster::block_on(adapter.request_device(&Default::default())).unwrap();
    other.destroy();
    other.poll(wgpu::PollType::Poll).unwrap();
    assert_same_bits("after another's loss", &train(&device), &train(gpu()));
}

#[test]
fn a_device_that_does_nothing_shows_the_hosts_part_alone() {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::NOOP;
    descriptor.backend_options.noop.enable = true;
    let adapters = adapters(descriptor);
    let device = Device::on_adapter(&adapters[0], GpuOptions::default()).unwrap();
    assert_ne!(device.report().adapter.kind, DeviceKind::Cpu);
    let mut trainer = trainer(&device);
    let before = trainer.network().parameter("layers.0.weight").unwrap();
    // Buffers stay as the host wrote them: no guard is set, no weight moves, and the host counts the steps itself.
    let report = trainer.epoch(&data()).unwrap();
    assert_eq!((report.steps, trainer.step_count()), (6, 6));
    let after = trainer.network().parameter("layers.0.weight").unwrap();
    assert_same_bits("weights", &after, &before);
}
