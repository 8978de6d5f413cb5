//! Where work runs: a GPU through wgpu, or the CPU.

mod adapter;
mod budget;
mod faults;
mod gpu;
mod guarded;
mod memory;
mod options;
mod pipeline_cache;
mod profile;
#[cfg(target_os = "linux")]
mod quiet;
mod readback;
mod recent;
mod record;
mod report;

pub use options::GpuOptions;
pub use report::{AdapterReport, DeviceKind, DeviceReport};

pub(crate) use budget::Buffer;
pub(crate) use gpu::Gpu;
pub(crate) use memory::{Memory, Operand};
pub(crate) use profile::Timestamps;
pub(crate) use readback::Readback;
pub(crate) use record::{Recorded, Region};

use crate::threads::Threads;
use crate::{Result, Tuning};
use std::sync::Arc;

/// A device: one GPU, or the CPU. Cheap to clone; all clones are the same device.
///
/// Nothing falls back silently: [`Device::auto`] says in its [`report`](Device::report) what it chose, and the other
/// constructors give what was asked for or an error.
///
/// ```
/// let device = wgrad::Device::cpu();
/// assert!(device.report().to_string().starts_with("CPU"));
/// ```
#[derive(Clone, Debug)]
pub struct Device(pub(crate) Backend);

/// The two ways to run a kernel.
#[derive(Clone, Debug)]
pub(crate) enum Backend {
    Cpu(Threads),
    Gpu(Arc<Gpu>),
}

impl Device {
    /// The CPU: the same plans, run by the kernels' twins in Rust. Always there.
    ///
    /// All such devices share one pool of threads, which is wgrad's own: as many as there are cores, or as
    /// `RAYON_NUM_THREADS` says. Small work runs on the calling thread. That thread blocks while the pool works; where it
    /// belongs to a rayon pool of the program's, it runs no other task meanwhile, so calls may be made under a lock.
    pub fn cpu() -> Self {
        Device(Backend::Cpu(Threads::default()))
    }

    /// The CPU with a pool of this many threads of its own; 1 means the calling thread alone. Every call gives the same bits
    /// for any number of threads.
    ///
    /// Each call makes a device: its tensors go with those of its clones, and with no other device's.
    ///
    /// ```
    /// # fn main() -> wgrad::Result<()> {
    /// let device = wgrad::Device::cpu_with_threads(3)?;
    /// assert_eq!(device.report().to_string(), "CPU (3 threads)");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument) if the number is 0; [`OpenDevice`](crate::Error::OpenDevice) if the system
    /// gives no such threads.
    pub fn cpu_with_threads(threads: usize) -> Result<Self> {
        Ok(Device(Backend::Cpu(Threads::new(threads)?)))
    }

    /// A GPU. Software adapters (a CPU posing as a GPU) are refused unless the options allow them.
    ///
    /// If the best adapter that fits cannot be opened, the next one is tried.
    ///
    /// # Errors
    /// [`NoAdapter`](crate::Error::NoAdapter) if no adapter fits the options;
    /// [`OpenDevice`](crate::Error::OpenDevice) if the drivers of all that fit refuse;
    /// [`Argument`](crate::Error::Argument) if the tuning is another adapter's, or the time-out is 0.
    pub async fn gpu_async(options: GpuOptions) -> Result<Self> {
        Ok(Device(Backend::Gpu(Arc::new(Gpu::open(&options).await?))))
    }

    /// A GPU that another part of the program found through [`wgpu`]: the one that draws on its window, or one of an
    /// instance with settings of its own. wgrad opens a device of its own on it, so neither sees the other's errors. Options
    /// that choose an adapter by name, index or kind are an error. wgrad's own instances have no flags: some of wgpu's default ones
    /// cost time, or keep buffers below 4 GiB.
    ///
    /// ```
    /// use wgrad::{Device, GpuOptions, wgpu};
    /// # fn main() -> wgrad::Result<()> {
    /// let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    /// # let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    /// # #[cfg(any())]
    /// let adapters = instance.enumerate_adapters(wgpu::Backends::PRIMARY).await;
    /// if let Some(adapter) = adapters.first() {
    ///     let device = Device::on_adapter(adapter, GpuOptions::default())?;
    ///     assert_eq!(device.report().adapter.name, adapter.get_info().name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`OpenDevice`](crate::Error::OpenDevice) if the driver refuses, or the adapter cannot run compute shaders within
    /// WebGPU's default limits; [`Argument`](crate::Error::Argument) if the options choose an adapter.
    pub async fn on_adapter_async(adapter: &wgpu::Adapter, options: GpuOptions) -> Result<Self> {
        options.check_without_choice()?;
        Ok(Device(Backend::Gpu(Arc::new(
            Gpu::on(adapter, &options).await?,
        ))))
    }

    /// The best hardware GPU that can be opened if there is one, else the CPU. The [`report`](Device::report) tells which.
    ///
    /// Discrete GPUs come before integrated ones. A GPU that is there under several backends is opened through Metal or
    /// Vulkan rather than DX12. [`GpuOptions::name`] and [`GpuOptions::index`] choose another one.
    ///
    /// # Errors
    /// [`OpenDevice`](crate::Error::OpenDevice) if there are GPUs but all their drivers refuse.
    pub async fn auto_async() -> Result<Self> {
        match Device::gpu_async(GpuOptions::default()).await {
            Err(crate::Error::NoAdapter { .. }) => Ok(Device::cpu()),
            other => other,
        }
    }

    /// [`Device::gpu_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn gpu(options: GpuOptions) -> Result<Self> {
        pollster::block_on(Device::gpu_async(options))
    }

    /// [`Device::on_adapter_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn on_adapter(adapter: &wgpu::Adapter, options: GpuOptions) -> Result<Self> {
        pollster::block_on(Device::on_adapter_async(adapter, options))
    }

    /// [`Device::auto_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn auto() -> Result<Self> {
        pollster::block_on(Device::auto_async())
    }

    /// The adapters of this machine, in the order that [`GpuOptions::index`] counts.
    pub async fn adapters_async() -> Vec<AdapterReport> {
        adapter::adapters()
            .await
            .iter()
            .map(|a| AdapterReport::new(&a.get_info()))
            .collect()
    }

    /// [`Device::adapters_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn adapters() -> Vec<AdapterReport> {
        pollster::block_on(Device::adapters_async())
    }

    /// What this device is: adapter, driver, kind and limits.
    pub fn report(&self) -> DeviceReport {
        match &self.0 {
            Backend::Cpu(threads) => DeviceReport::cpu(threads.count()),
            Backend::Gpu(gpu) => gpu.report(),
        }
    }

    /// Bytes of all of wgrad's buffers on this GPU, as [`GpuOptions::memory_limit`] counts them: parameters and what else
    /// networks and trainers need, data sets, tensors, parameter blocks of kernels, buffers to read results through. What
    /// the driver adds is not counted. 0 on the CPU, whose memory the operating system counts.
    pub fn bytes_allocated(&self) -> u64 {
        match &self.0 {
            Backend::Cpu(_) => 0,
            Backend::Gpu(gpu) => gpu.budget.used(),
        }
    }

    /// Saves the pipelines that the driver has compiled so far, if [`GpuOptions::pipeline_cache`] was set and the adapter
    /// hands them out, and says whether it did. The file is replaced as a whole. What was compiled since is saved once more
    /// when the device is dropped, if that succeeds.
    ///
    /// # Errors
    /// [`Io`](crate::Error::Io) if the file cannot be written.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn save_pipeline_cache(&self) -> Result<bool> {
        match &self.0 {
            Backend::Cpu(_) => Ok(false),
            Backend::Gpu(gpu) => gpu.cache.as_ref().map_or(Ok(false), |cache| cache.save()),
        }
    }

    /// The tuning that it was opened with.
    pub(crate) fn tuning(&self) -> Option<&Tuning> {
        match &self.0 {
            Backend::Cpu(_) => None,
            Backend::Gpu(gpu) => gpu.target.tuning.as_deref(),
        }
    }

    /// Whether two handles are one device.
    pub fn is_same(&self, other: &Device) -> bool {
        match (&self.0, &other.0) {
            (Backend::Cpu(a), Backend::Cpu(b)) => a.is_same(b),
            (Backend::Gpu(a), Backend::Gpu(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// Destroys the GPU device, as a driver reset or an unplugged card would: for testing recovery.
    ///
    /// It may be called while other threads use the device. From then on every call that touches the device gives
    /// [`DeviceLost`](crate::Error::DeviceLost). No effect on the CPU.
    pub fn simulate_loss(&self) {
        if let Backend::Gpu(gpu) = &self.0 {
            gpu.destroy();
        }
    }
}

#[cfg(test)]
mod tests;
