//! Reports on adapters and devices.

use std::fmt;

/// The kind of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceKind {
    /// wgrad's CPU device.
    Cpu,
    /// A GPU with its own memory.
    DiscreteGpu,
    /// A GPU that shares the CPU's memory.
    IntegratedGpu,
    /// A GPU passed through to a virtual machine.
    VirtualGpu,
    /// An adapter that runs on the CPU: lavapipe, SwiftShader, WARP.
    SoftwareGpu,
    /// A kind that the driver does not report.
    Other,
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DeviceKind::Cpu => "CPU",
            DeviceKind::DiscreteGpu => "discrete GPU",
            DeviceKind::IntegratedGpu => "integrated GPU",
            DeviceKind::VirtualGpu => "virtual GPU",
            DeviceKind::SoftwareGpu => "software adapter",
            DeviceKind::Other => "GPU of unknown kind",
        })
    }
}

/// One adapter of this machine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AdapterReport {
    /// The adapter's name.
    pub name: String,
    /// The adapter's kind.
    pub kind: DeviceKind,
    /// The graphics interface: Vulkan, Metal or Dx12.
    pub backend: String,
    /// Name and version of the driver.
    pub driver: String,
}

impl AdapterReport {
    pub(crate) fn new(info: &wgpu::AdapterInfo) -> Self {
        AdapterReport {
            name: info.name.clone(),
            kind: match info.device_type {
                wgpu::DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu,
                wgpu::DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu,
                wgpu::DeviceType::VirtualGpu => DeviceKind::VirtualGpu,
                wgpu::DeviceType::Cpu => DeviceKind::SoftwareGpu,
                wgpu::DeviceType::Other => DeviceKind::Other,
            },
            backend: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info)
                .trim()
                .to_string(),
        }
    }
}

impl fmt::Display for AdapterReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AdapterReport {
            name,
            kind,
            backend,
            driver,
        } = self;
        write!(f, "{name} ({kind}, {backend}, {driver})")
    }
}

/// An open device.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceReport {
    /// The adapter. For the CPU device its name is "CPU" and its driver "Rust".
    pub adapter: AdapterReport,
    /// Size of the largest possible buffer, in bytes.
    pub max_buffer_bytes: u64,
    /// Size of the largest part of a buffer that a kernel can bind, in bytes. A parameter matrix may take a third of
    /// it: up to three moments of an optimizer are bound together.
    pub max_binding_bytes: u64,
    /// The most bytes that wgrad's buffers may take together, if set by
    /// [`GpuOptions::memory_limit`](crate::GpuOptions::memory_limit).
    pub memory_limit: Option<u64>,
    /// Whether compiled pipelines are kept in the folder of
    /// [`GpuOptions::pipeline_cache`](crate::GpuOptions::pipeline_cache).
    pub keeps_pipelines: bool,
    /// Invocations of a subgroup, if the adapter has subgroups of a single width and the options allow them.
    pub subgroup: Option<u32>,
    /// Whether kernels load and store 64-bit words: on software adapters that have them, if the options allow it.
    pub loads64: bool,
    /// Number of threads of the CPU device. A software adapter usually has as many.
    pub threads: usize,
}

impl DeviceReport {
    pub(crate) fn cpu(threads: usize) -> Self {
        DeviceReport {
            adapter: AdapterReport {
                name: "CPU".into(),
                kind: DeviceKind::Cpu,
                backend: "rayon".into(),
                driver: "Rust".into(),
            },
            max_buffer_bytes: isize::MAX as u64,
            max_binding_bytes: isize::MAX as u64,
            memory_limit: None,
            keeps_pipelines: false,
            subgroup: None,
            loads64: false,
            threads,
        }
    }
}

impl fmt::Display for DeviceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.adapter.kind {
            DeviceKind::Cpu => {
                let s = if self.threads == 1 { "" } else { "s" };
                write!(f, "CPU ({} thread{s})", self.threads)
            }
            _ => self.adapter.fmt(f),
        }
    }
}
