//! Finding an adapter.

use super::{AdapterReport, GpuOptions};
use crate::{Error, Result};

/// The adapters of this machine, in wgpu's order.
pub(crate) async fn adapters() -> Vec<wgpu::Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    // The instance's validation layers and debug labels are for hunting bugs; `WGPU_VALIDATION=1` switches them on.
    descriptor.flags = wgpu::InstanceFlags::empty().with_env();
    // What is over the driver's budget is refused, instead of moved to and fro between the memories.
    descriptor.memory_budget_thresholds.for_resource_creation = Some(100);
    let instance = wgpu::Instance::new(descriptor);
    instance.enumerate_adapters(wgpu::Backends::all()).await
}

/// The adapter that fits the options: hardware before software, discrete before integrated.
pub(super) fn choose(adapters: Vec<wgpu::Adapter>, options: &GpuOptions) -> Result<wgpu::Adapter> {
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
                && match info.device_type {
                    wgpu::DeviceType::Cpu => options.allow_software || options.only_software,
                    _ => !options.only_software,
                }
        })
        .map(|(_, adapter)| adapter)
        .min_by_key(|adapter| rank(&adapter.get_info()))
        .ok_or_else(|| Error::NoAdapter {
            wanted: options.describe(),
            present: if present.is_empty() { "none".into() } else { present.join("; ") },
            advice: "Install the GPU's Vulkan, Metal or DX12 driver, allow software adapters, or use Device::cpu()",
        })
}
