//! What a device is, in words.

use std::fmt;

/// What kind of machine a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceKind {
    /// wgrad's own CPU path.
    Cpu,
    /// A GPU of its own memory.
    DiscreteGpu,
    /// A GPU that shares the CPU's memory.
    IntegratedGpu,
    /// A GPU handed through to a virtual machine.
    VirtualGpu,
    /// A CPU that poses as a GPU: lavapipe, SwiftShader, WARP.
    SoftwareGpu,
    /// The driver does not say.
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
    /// What it is.
    pub kind: DeviceKind,
    /// The interface it is reached through: Vulkan, Metal or Dx12.
    pub backend: String,
    /// The driver's name and version.
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

/// A device that was opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceReport {
    /// The adapter; for the CPU path its name, and "Rust" as the driver.
    pub adapter: AdapterReport,
    /// Largest buffer, in bytes.
    pub max_buffer_bytes: u64,
    /// Largest part of a buffer that a kernel can see, in bytes. A parameter matrix can have a third of it, which leaves
    /// room for an optimizer's moments.
    pub max_binding_bytes: u64,
    /// The most bytes that wgrad's buffers may take together, where [`GpuOptions::memory_limit`](crate::GpuOptions::memory_limit)
    /// says so.
    pub memory_limit: Option<u64>,
    /// Whether compiled pipelines are kept, as [`GpuOptions::pipeline_cache`](crate::GpuOptions::pipeline_cache) asks.
    pub keeps_pipelines: bool,
    /// Invocations in a subgroup, where the adapter has subgroups of one width and the options allow them.
    pub subgroup: Option<u32>,
    /// Whether kernels load and store 64-bit words: on software adapters that have them, where the options allow it.
    pub words64: bool,
    /// Threads of the CPU path, and of a software adapter usually as many.
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
            words64: false,
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
