//! The search for adapters and their ranking.

use super::guarded::catch_async;
use super::{AdapterReport, GpuOptions};
use crate::{Error, Result};

/// The adapters of this machine, in wgpu's order.
pub(crate) async fn adapters() -> Vec<wgpu::Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    // Validation layers and debug labels are off unless the environment asks for them (`WGPU_VALIDATION=1`).
    descriptor.flags = wgpu::InstanceFlags::empty().with_env();
    // Buffers beyond the driver's budget are refused, instead of being swapped.
    descriptor.memory_budget_thresholds.for_resource_creation = Some(100);
    let list = async move {
        let instance = wgpu::Instance::new(descriptor);
        instance.enumerate_adapters(wgpu::Backends::all()).await
    };
    // On native targets the list is available at once.
    #[cfg(target_os = "linux")]
    let list = async { super::quiet::without_waylands_line(|| pollster::block_on(list)) };
    // If wgpu panics on a driver, there are no adapters; `catch` has logged the panic.
    catch_async(list).await.unwrap_or_default()
}

/// The adapters that fit the options, best first.
pub(super) fn choose(
    adapters: Vec<wgpu::Adapter>,
    options: &GpuOptions,
) -> Result<Vec<wgpu::Adapter>> {
    let infos: Vec<_> = adapters.iter().map(wgpu::Adapter::get_info).collect();
    let places = ranked(&infos, options);
    if places.is_empty() {
        let present = infos
            .iter()
            .map(|info| AdapterReport::new(info).to_string());
        let present = present.collect::<Vec<_>>().join("; ");
        return Err(Error::NoAdapter {
            wanted: options.describe(),
            present: if present.is_empty() {
                "none".into()
            } else {
                present
            },
            advice: "Install the GPU's Vulkan, Metal or DX12 driver, allow software adapters, or use Device::cpu()",
        });
    }
    let mut adapters: Vec<_> = adapters.into_iter().map(Some).collect();
    Ok(places
        .into_iter()
        .filter_map(|place| adapters[place].take())
        .collect())
}

/// Opens the first adapter that can be opened. If none can, returns the error of the first.
pub(super) async fn first_that_opens<A, D, F: Future<Output = Result<D>>>(
    adapters: Vec<A>,
    open: impl Fn(A) -> F,
) -> Result<D> {
    let mut first = None;
    for adapter in adapters {
        match open(adapter).await {
            Err(error @ Error::OpenDevice { .. }) => {
                log::warn!("{error}");
                first.get_or_insert(error);
            }
            other => return other,
        }
    }
    Err(first.unwrap_or_else(|| unreachable!("there is an adapter")))
}

/// Indices of the adapters that fit the options, best first: hardware before software, discrete before integrated; for
/// one adapter under several backends, the backend that serves compute best; else in the given order.
fn ranked(infos: &[wgpu::AdapterInfo], options: &GpuOptions) -> Vec<usize> {
    let mut places: Vec<usize> = (0..infos.len())
        .filter(|&place| fits(place, &infos[place], options))
        .collect();
    // All entries of one adapter take the best kind and the first index among them, so that they stay together.
    let key = |&place: &usize| {
        let info = &infos[place];
        let same = || (0..infos.len()).filter(|&other| is_same(&infos[other], info));
        let kind = same()
            .map(|other| kind_rank(infos[other].device_type))
            .min();
        (kind, same().next(), backend_rank(info.backend), place)
    };
    places.sort_by_key(key);
    places
}

fn fits(place: usize, info: &wgpu::AdapterInfo, options: &GpuOptions) -> bool {
    let name = info.name.to_lowercase();
    options.index.is_none_or(|wanted| wanted == place)
        && options
            .name
            .as_ref()
            .is_none_or(|wanted| name.contains(&wanted.to_lowercase()))
        && match info.device_type {
            wgpu::DeviceType::Cpu => options.allow_software || options.only_software,
            _ => !options.only_software,
        }
}

fn kind_rank(kind: wgpu::DeviceType) -> u32 {
    match kind {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

/// DX12 ranks after Vulkan: without `dxcompiler.dll` it takes seconds to compile a large kernel.
fn backend_rank(backend: wgpu::Backend) -> u32 {
    match backend {
        wgpu::Backend::Metal => 0,
        wgpu::Backend::Vulkan => 1,
        wgpu::Backend::Dx12 => 2,
        wgpu::Backend::Gl => 3,
        wgpu::Backend::BrowserWebGpu => 4,
        wgpu::Backend::Noop => 5,
    }
}

/// Whether two entries are the same adapter under two backends, or two equal adapters. A software adapter never equals
/// hardware, whatever its numbers.
fn is_same(a: &wgpu::AdapterInfo, b: &wgpu::AdapterInfo) -> bool {
    let software = |info: &wgpu::AdapterInfo| info.device_type == wgpu::DeviceType::Cpu;
    if software(a) != software(b) {
        return false;
    }
    // A number is 0 where the backend does not know it, as on Metal.
    if a.vendor != 0 && b.vendor != 0 && a.device != 0 && b.device != 0 {
        return (a.vendor, a.device) == (b.vendor, b.device);
    }
    if !a.device_pci_bus_id.is_empty() && !b.device_pci_bus_id.is_empty() {
        return a.device_pci_bus_id == b.device_pci_bus_id;
    }
    a.name == b.name
}

#[cfg(test)]
mod tests;
