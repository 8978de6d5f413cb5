//! How to choose and open a GPU.

use crate::time::Duration;
use crate::{Error, Result, Tuning};
use std::path::PathBuf;
use std::sync::Arc;

/// Which adapter [`Device::gpu`](crate::Device::gpu) opens, and how.
///
/// By default: the best hardware adapter (discrete before integrated; one that is there under several backends through
/// Metal or Vulkan before DX12; else in the order of [`Device::adapters`](crate::Device::adapters)), with unchecked kernels,
/// and subgroups and 64-bit words where the adapter has them. An adapter that cannot be opened is passed over if another one
/// fits the options.
///
/// ```
/// let options = wgrad::GpuOptions::default().allow_software(true).name("llvmpipe");
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct GpuOptions {
    pub(crate) allow_software: bool,
    pub(crate) only_software: bool,
    pub(crate) name: Option<String>,
    pub(crate) index: Option<usize>,
    pub(crate) runtime_checks: bool,
    pub(crate) subgroups: bool,
    pub(crate) words64: bool,
    pub(crate) sentinels: bool,
    pub(crate) hardware_kernels: bool,
    pub(crate) memory_limit: Option<u64>,
    pub(crate) pipeline_cache: Option<PathBuf>,
    pub(crate) tuning: Option<Arc<Tuning>>,
    pub(crate) timeout: Duration,
}

impl Default for GpuOptions {
    fn default() -> Self {
        GpuOptions {
            allow_software: false,
            only_software: false,
            name: None,
            index: None,
            runtime_checks: false,
            subgroups: true,
            words64: true,
            sentinels: false,
            hardware_kernels: false,
            memory_limit: None,
            pipeline_cache: None,
            tuning: None,
            // Operating systems reset a device that works on one submit for seconds. A software adapter may need longer.
            timeout: Duration::from_secs(300),
        }
    }
}

impl GpuOptions {
    /// Whether an adapter that runs on the CPU (lavapipe, SwiftShader, WARP) will do. It is slower than
    /// [`Device::cpu`](crate::Device::cpu), and of use for testing.
    pub fn allow_software(self, allow_software: bool) -> Self {
        GpuOptions {
            allow_software,
            ..self
        }
    }

    /// Only an adapter that runs on the CPU, even where there is a hardware GPU. For testing.
    pub fn only_software(self, only_software: bool) -> Self {
        GpuOptions {
            only_software,
            ..self
        }
    }

    /// Only an adapter whose name holds this text, in upper or lower case.
    pub fn name(self, name: impl Into<String>) -> Self {
        GpuOptions {
            name: Some(name.into()),
            ..self
        }
    }

    /// Only the adapter at this place of [`Device::adapters`](crate::Device::adapters).
    pub fn index(self, index: usize) -> Self {
        GpuOptions {
            index: Some(index),
            ..self
        }
    }

    /// Whether kernels are compiled with wgpu's bounds checks and loop counters. wgrad's own kernels stay within their
    /// buffers without them, at many times the speed; this is for hunting a driver's or wgrad's bug.
    pub fn runtime_checks(self, runtime_checks: bool) -> Self {
        GpuOptions {
            runtime_checks,
            ..self
        }
    }

    /// Whether kernels may use subgroup operations where the adapter has them; on by default.
    pub fn subgroups(self, subgroups: bool) -> Self {
        GpuOptions { subgroups, ..self }
    }

    /// Whether kernels on a software adapter may load and store 64-bit words where it has them (wgpu's `SHADER_INT64`): the
    /// same bits with fewer accesses. On by default; hardware gains nothing by it, and is not asked for it.
    pub fn words64(self, words64: bool) -> Self {
        GpuOptions { words64, ..self }
    }

    /// Whether every tensor lies between sentinels and starts as NaN: a kernel that reads or writes outside its operands,
    /// or leaves part of its output unwritten, then shows, as a NaN or as an error from
    /// [`Tensor::download`](crate::Tensor::download). For testing kernels and drivers; off by default.
    pub fn sentinels(self, sentinels: bool) -> Self {
        GpuOptions { sentinels, ..self }
    }

    /// Whether a software adapter too runs the kernels made for hardware, which are slow there. For testing them on a
    /// machine without a GPU; off by default.
    pub fn hardware_kernels(self, hardware_kernels: bool) -> Self {
        GpuOptions {
            hardware_kernels,
            ..self
        }
    }

    /// The most bytes that wgrad's buffers on the device may take together. What needs more is refused with
    /// [`Error::OutOfMemory`] before any of it is allocated: a network when it is built, its
    /// training when the trainer is built, a data set or another batch size when it is first wanted.
    ///
    /// By default there is no limit but the driver's, since wgpu does not tell how much memory an adapter has. What the
    /// driver refuses gives the same error, and nothing of it stays allocated. On Vulkan and DX12, where the driver tells the
    /// budget that the program has, wgpu refuses what is over it, instead of moving memory to and fro.
    ///
    /// Where a buffer grows, the old one counts until its contents are copied. [`Device::cpu`](crate::Device::cpu) has no
    /// such limit: there the operating system's apply.
    pub fn memory_limit(self, bytes: u64) -> Self {
        GpuOptions {
            memory_limit: Some(bytes),
            ..self
        }
    }

    /// Keeps the pipelines that the driver compiles in a folder, in a file for each adapter, so that the next run need not
    /// compile them. Of use where the driver keeps none of its own; most do. The adapter must hand them out, as Vulkan's do;
    /// [`DeviceReport::keeps_pipelines`](crate::DeviceReport::keeps_pipelines) tells. They are read when the device is
    /// opened. A file that is missing, damaged, or another adapter's or driver version's counts as empty. They are saved by
    /// [`Device::save_pipeline_cache`](crate::Device::save_pipeline_cache), and when the device is dropped. They change no
    /// result.
    ///
    /// Drivers trust these files: use a folder that nobody else can write to.
    pub fn pipeline_cache(self, folder: impl Into<PathBuf>) -> Self {
        GpuOptions {
            pipeline_cache: Some(folder.into()),
            ..self
        }
    }

    /// Choices of kernels that [`Trainer::tune`](crate::Trainer::tune) or [`Network::tune`](crate::Network::tune) has
    /// measured on this adapter. Opening another adapter, or one with another driver, is then an error.
    pub fn tuning(self, tuning: Tuning) -> Self {
        GpuOptions {
            tuning: Some(Arc::new(tuning)),
            ..self
        }
    }

    /// Refuses options that choose an adapter, where one is given.
    pub(crate) fn check_without_choice(&self) -> Result<()> {
        let found = match (&self.name, self.index, self.only_software) {
            (Some(_), ..) => "a name",
            (_, Some(_), _) => "an index",
            (.., true) => "only software adapters",
            _ => return Ok(()),
        };
        let what = "the options for an adapter that is given";
        Err(Error::argument(what, "without a choice of adapter", found))
    }

    /// How long a call waits for the device to finish a submit before it gives [`Error::Timeout`];
    /// 300 s by default. More than 0. The submit goes on, and a later call may find it done.
    pub fn timeout(self, timeout: Duration) -> Self {
        GpuOptions { timeout, ..self }
    }

    /// The request in words, for errors.
    pub(crate) fn describe(&self) -> String {
        let kind = match (self.only_software, self.allow_software) {
            (true, _) => "a software adapter",
            (false, true) => "any adapter",
            (false, false) => "a hardware GPU",
        };
        let name = self
            .name
            .as_ref()
            .map(|n| format!(" named \"{n}\""))
            .unwrap_or_default();
        let index = self
            .index
            .map(|i| format!(" at index {i}"))
            .unwrap_or_default();
        format!("{kind}{name}{index}")
    }
}
