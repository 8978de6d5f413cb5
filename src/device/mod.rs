//! Devices: a GPU through wgpu, or the CPU.

mod adapter;
mod allocate;
mod budget;
mod faults;
mod gpu;
mod guarded;
mod memory;
mod open;
mod options;
mod pipeline;
mod pipeline_cache;
mod profile;
#[cfg(target_os = "linux")]
mod quiet;
mod readback;
mod recent;
mod record;
mod refusals;
mod report;

pub use crate::kernel::Tuning;
pub use options::GpuOptions;
pub use report::{AdapterReport, DeviceKind, DeviceReport};

pub(crate) use budget::Buffer;
pub(crate) use gpu::Gpu;
pub(crate) use memory::{Memory, Operand};
pub(crate) use profile::Timestamps;
pub(crate) use readback::Readback;
pub(crate) use record::{Recorded, Region};
pub(crate) use refusals::{Attempt, Guarded, MAX_UNREAD, Reader, Refusals};

use crate::Result;
use crate::threads::Threads;
use std::sync::Arc;

/// A device: one GPU, or the CPU. Cheap to clone; all clones are the same device.
///
/// No fallback is silent: the [`report`](Device::report) of [`Device::auto`] names its choice, and the other
/// constructors return the requested device or an error.
///
/// ```
/// let device = wgrad::Device::cpu();
/// assert!(device.report().to_string().starts_with("CPU"));
/// ```
#[derive(Clone, Debug)]
pub struct Device(pub(crate) Backend);

/// The two implementations of a device.
#[derive(Clone, Debug)]
pub(crate) enum Backend {
    Cpu(Threads),
    Gpu(Arc<Gpu>),
}

impl Device {
    /// The CPU: the same plans, run by the kernels' twins in Rust. Always available.
    ///
    /// All such devices share one thread pool of wgrad's own, with `RAYON_NUM_THREADS` threads or one for each core.
    /// Small work runs on the calling thread. While the pool works, the calling thread blocks. If it belongs to
    /// another rayon pool, it runs no other task meanwhile, so calls may be made under a lock.
    pub fn cpu() -> Self {
        Device(Backend::Cpu(Threads::default()))
    }

    /// The CPU with a thread pool of its own; 1 thread is the calling thread alone. Results have the same bits for any
    /// number of threads.
    ///
    /// Each call creates a new device. Its tensors cannot be combined with those of other devices, except clones of it.
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
    /// cannot create the threads.
    pub fn cpu_with_threads(threads: usize) -> Result<Self> {
        Ok(Device(Backend::Cpu(Threads::new(threads)?)))
    }

    /// A GPU. Software adapters, which run on the CPU, are refused unless the options allow them.
    ///
    /// If the best adapter that fits cannot be opened, the next one is tried.
    ///
    /// # Errors
    /// [`NoAdapter`](crate::Error::NoAdapter) if no adapter fits the options;
    /// [`OpenDevice`](crate::Error::OpenDevice) if none that fits can be opened;
    /// [`Argument`](crate::Error::Argument) if the tuning is for another adapter, or the time-out is 0.
    pub async fn gpu_async(options: GpuOptions) -> Result<Self> {
        Ok(Device(Backend::Gpu(Arc::new(Gpu::open(&options).await?))))
    }

    /// A GPU that another part of the program found through [`wgpu`]: the one that draws its window, or one of an
    /// instance with other settings. wgrad opens its own device on the adapter, so that neither side sees the other's
    /// errors. Options that choose an adapter by name, index or kind are an error. wgrad's own instances have no
    /// flags: some of wgpu's default flags cost time, or limit buffers to 4 GiB.
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
    /// [`OpenDevice`](crate::Error::OpenDevice) if the driver fails, or the adapter cannot run compute shaders within
    /// WebGPU's default limits; [`Argument`](crate::Error::Argument) if the options choose an adapter.
    pub async fn on_adapter_async(adapter: &wgpu::Adapter, options: GpuOptions) -> Result<Self> {
        options.check_without_choice()?;
        Ok(Device(Backend::Gpu(Arc::new(
            Gpu::on(adapter, &options).await?,
        ))))
    }

    /// The best hardware GPU that can be opened, else the CPU. The [`report`](Device::report) names the choice.
    ///
    /// Discrete GPUs rank before integrated ones. A GPU that several backends offer is opened through Metal or Vulkan
    /// rather than DX12. [`GpuOptions::name`] and [`GpuOptions::index`] choose another one.
    ///
    /// # Errors
    /// [`OpenDevice`](crate::Error::OpenDevice) if there are GPUs but none can be opened.
    pub async fn auto_async() -> Result<Self> {
        match Device::gpu_async(GpuOptions::default()).await {
            Err(crate::Error::NoAdapter { .. }) => Ok(Device::cpu()),
            other => other,
        }
    }

    /// Blocking form of [`Device::gpu_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn gpu(options: GpuOptions) -> Result<Self> {
        pollster::block_on(Device::gpu_async(options))
    }

    /// Blocking form of [`Device::on_adapter_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn on_adapter(adapter: &wgpu::Adapter, options: GpuOptions) -> Result<Self> {
        pollster::block_on(Device::on_adapter_async(adapter, options))
    }

    /// Blocking form of [`Device::auto_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn auto() -> Result<Self> {
        pollster::block_on(Device::auto_async())
    }

    /// The adapters of this machine, in the order of [`GpuOptions::index`].
    pub async fn adapters_async() -> Vec<AdapterReport> {
        adapter::adapters()
            .await
            .iter()
            .map(|a| AdapterReport::new(&a.get_info()))
            .collect()
    }

    /// Blocking form of [`Device::adapters_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn adapters() -> Vec<AdapterReport> {
        pollster::block_on(Device::adapters_async())
    }

    /// A report on this device: adapter, driver, kind and limits.
    pub fn report(&self) -> DeviceReport {
        match &self.0 {
            Backend::Cpu(threads) => DeviceReport::cpu(threads.count()),
            Backend::Gpu(gpu) => gpu.report(),
        }
    }

    /// Bytes of all of wgrad's buffers on this GPU, as [`GpuOptions::memory_limit`] counts them: those of networks,
    /// trainers, data sets and tensors, parameter blocks of kernels, and staging buffers. The driver's own overhead is
    /// not counted. On the CPU it is 0: there the operating system accounts for memory.
    pub fn bytes_allocated(&self) -> u64 {
        match &self.0 {
            Backend::Cpu(_) => 0,
            Backend::Gpu(gpu) => gpu.budget.used(),
        }
    }

    /// Saves the pipelines that the driver has compiled so far, if [`GpuOptions::pipeline_cache`] is set and the
    /// adapter supports it. Returns whether it saved any. The file is replaced atomically. When the device is dropped,
    /// pipelines compiled since are saved too, if that succeeds.
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

    /// The tuning with which it was opened.
    pub(crate) fn tuning(&self) -> Option<&Tuning> {
        match &self.0 {
            Backend::Cpu(_) => None,
            Backend::Gpu(gpu) => gpu.capabilities.tuning.as_deref(),
        }
    }

    /// Whether two handles refer to the same device.
    pub fn is_same(&self, other: &Device) -> bool {
        match (&self.0, &other.0) {
            (Backend::Cpu(a), Backend::Cpu(b)) => a.is_same(b),
            (Backend::Gpu(a), Backend::Gpu(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// Destroys the GPU device, like a driver reset or an unplugged card, to test recovery.
    ///
    /// Other threads may use the device meanwhile. Afterwards every call on the device returns
    /// [`DeviceLost`](crate::Error::DeviceLost). It has no effect on the CPU.
    #[cfg(any(test, feature = "testing"))]
    pub fn simulate_loss(&self) {
        if let Backend::Gpu(gpu) = &self.0 {
            gpu.destroy();
        }
    }
}

#[cfg(test)]
mod tests;
