//! Devices under test, each opened once. Without an adapter the GPU tests fail; they never skip.

use std::sync::OnceLock;
use wgrad::{Device, DeviceKind, GpuOptions, Layout, Tuning};

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

/// The same without what only some adapters have: subgroup operations and 64-bit words.
pub(crate) fn gpu_without_extras() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| {
        let device = open(GpuOptions::default().subgroups(false).loads64(false));
        assert_eq!(device.report().subgroup, None);
        assert!(!device.report().loads64);
        device
    })
}

/// The kernels made for hardware, whatever the adapter.
pub(crate) fn gpu_hardware_kernels() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| {
        let device = open(GpuOptions::default().hardware_kernels(true));
        assert_eq!(device.report().subgroup, gpu().report().subgroup);
        device
    })
}

/// The same without subgroup operations: reductions are trees in workgroup memory.
pub(crate) fn gpu_hardware_kernels_without_subgroups() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| {
        let options = GpuOptions::default().hardware_kernels(true);
        let device = open(options.subgroups(false));
        assert_eq!(device.report().subgroup, None);
        device
    })
}

/// Every way to reduce: the CPU, the GPU as a user opens it, and its kernels for hardware with and without subgroups.
pub(crate) fn reducing_devices() -> [&'static Device; 4] {
    [
        cpu(),
        gpu(),
        gpu_hardware_kernels(),
        gpu_hardware_kernels_without_subgroups(),
    ]
}

/// The algorithms of the matrix product for hardware GPUs.
pub(crate) const ALGORITHMS: [&str; 9] = [
    "128x128", "64x64", "64x64x2", "32x32", "32x32x4", "16x16x16", "4x16x64", "16x4x64", "4x4x256",
];

/// A tuning of the adapter under test that has this algorithm for these products, in every layout.
pub(crate) fn tuning(algorithm: &str, shapes: &[[usize; 3]]) -> Tuning {
    let shapes: std::collections::BTreeSet<_> = shapes.iter().collect();
    let adapter = gpu().report().adapter;
    let mut text = format!("wgrad tuning 1\nadapter {adapter}\n");
    for layout in Layout::ALL {
        for [m, n, k] in &shapes {
            text.push_str(&format!("{layout:?} {m} {n} {k} {algorithm}\n"));
        }
    }
    Tuning::parse("a tuning", &text).unwrap()
}

/// A device that computes these products with this algorithm.
pub(crate) fn gpu_with(algorithm: &str, shapes: &[[usize; 3]]) -> Device {
    open(GpuOptions::default().tuning(tuning(algorithm, shapes)))
}

/// A tuning of the adapter under test that has this algorithm for stacks of so many of these products, in every layout.
pub(crate) fn stack_tuning(algorithm: &str, shapes: &[[usize; 3]], counts: &[usize]) -> Tuning {
    let adapter = gpu().report().adapter;
    let mut text = format!("wgrad tuning 1\nadapter {adapter}\n");
    for layout in Layout::ALL {
        for [m, n, k] in shapes {
            for count in counts {
                text.push_str(&format!("{layout:?} {m} {n} {k} {count} {algorithm}\n"));
            }
        }
    }
    Tuning::parse("a tuning", &text).unwrap()
}

/// A device that computes these stacks with this algorithm.
pub(crate) fn gpu_with_stacks(algorithm: &str, shapes: &[[usize; 3]], counts: &[usize]) -> Device {
    open(GpuOptions::default().tuning(stack_tuning(algorithm, shapes, counts)))
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
