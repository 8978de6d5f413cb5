//! Opening a GPU.

use super::adapter::{adapters, choose, first_that_opens};
use super::budget::Budget;
use super::faults::Faults;
use super::guarded::{Guarded, catch, catch_async};
use super::pipeline_cache::PipelineCache;
use super::{AdapterReport, Gpu, GpuOptions};
use crate::kernel::Capabilities;
use crate::{Error, Result};
use std::sync::{Arc, Mutex};

impl Gpu {
    /// Opens the best adapter that fits the options; if it cannot be opened, the next best.
    pub(crate) async fn open(options: &GpuOptions) -> Result<Self> {
        let adapters = choose(adapters().await, options)?;
        let open = |adapter| async move { Gpu::on(&adapter, options).await };
        first_that_opens(adapters, open).await
    }

    /// Opens this adapter.
    pub(crate) async fn on(adapter: &wgpu::Adapter, options: &GpuOptions) -> Result<Self> {
        let info = adapter.get_info();
        if options.timeout.is_zero() {
            return Err(Error::argument("the time-out", "above 0", "0 s"));
        }
        if let Some(tuning) = &options.tuning {
            tuning.check_adapter(&AdapterReport::new(&info).to_string())?;
        }
        let supported = adapter.limits();
        let mut features = wgpu::Features::empty();
        if options.subgroups {
            features |= adapter.features() & wgpu::Features::SUBGROUP;
        }
        let bounded = info.device_type == wgpu::DeviceType::Cpu;
        let software = bounded && !options.hardware_kernels;
        if options.loads64 && software {
            features |= adapter.features() & wgpu::Features::SHADER_INT64;
        }
        // For profiles. Unused queries cost nothing.
        features |= adapter.features() & wgpu::Features::TIMESTAMP_QUERY;
        if options.pipeline_cache.is_some() {
            features |= adapter.features() & wgpu::Features::PIPELINE_CACHE;
        }
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("wgrad"),
            required_features: features,
            // WebGPU's default limits, except for sizes: these are as large as the adapter allows.
            required_limits: wgpu::Limits {
                max_buffer_size: supported.max_buffer_size,
                max_storage_buffer_binding_size: supported.max_storage_buffer_binding_size,
                ..wgpu::Limits::default()
            },
            ..Default::default()
        };
        let refused = |message: String| Error::OpenDevice {
            adapter: info.name.clone(),
            message,
        };
        let (device, queue) = catch_async(adapter.request_device(&descriptor))
            .await
            .map_err(|words| refused(format!("wgpu panicked: {words}")))?
            .map_err(|error| refused(error.to_string()))?;
        let (queue, device) = (Guarded::new(queue), Guarded::new(device));
        let budget = Budget::new(options.memory_limit);
        // Before the first call on the device: wgpu panics for errors without a handler.
        let faults = Faults::watch(&device, Arc::clone(&budget));
        let folder = options.pipeline_cache.as_deref();
        let cache = folder.map(|folder| catch(|| PipelineCache::open(&device, &info, folder)));
        let cache = cache.and_then(|opened| opened.ok().flatten());
        let one_width = info.subgroup_min_size == info.subgroup_max_size;
        Ok(Gpu {
            faults,
            budget,
            cache,
            capabilities: Capabilities {
                software,
                bounded,
                subgroup: (features.contains(wgpu::Features::SUBGROUP) && one_width)
                    .then_some(info.subgroup_min_size),
                loads64: features.contains(wgpu::Features::SHADER_INT64),
                tuning: options.tuning.clone(),
            },
            queue,
            device,
            timeout: options.timeout,
            info,
            runtime_checks: options.runtime_checks,
            sentinels: options.sentinels,
            pipelines: Mutex::default(),
        })
    }
}
