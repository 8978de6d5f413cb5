//! The devices under test, each opened once. Without an adapter the GPU tests fail; they never skip.

use std::sync::OnceLock;
use wgrad::{Device, DeviceKind, GpuOptions};

/// A GPU, or software posing as one, whose tensors lie between sentinels.
pub(crate) fn gpu() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| open(GpuOptions::default()))
}

/// The same with wgpu's bounds checks in the kernels.
pub(crate) fn gpu_checked() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| open(GpuOptions::default().runtime_checks(true)))
}

/// The same without subgroup operations.
pub(crate) fn gpu_without_subgroups() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| {
        let device = open(GpuOptions::default().subgroups(false));
        assert_eq!(device.report().subgroup, None);
        device
    })
}

/// The kernels made for hardware, whatever the adapter.
pub(crate) fn gpu_hardware_kernels() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| open(GpuOptions::default().hardware_kernels(true)))
}

pub(crate) fn cpu() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(Device::cpu)
}

/// Opens a device of its own.
pub(crate) fn open(options: GpuOptions) -> Device {
    let device = Device::gpu(options.allow_software(true).sentinels(true))
        .unwrap_or_else(|error| panic!("the GPU tests need an adapter: {error}"));
    // Else the CPU would be compared with itself.
    assert_ne!(device.report().adapter.kind, DeviceKind::Cpu);
    device
}
