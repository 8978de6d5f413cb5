//! Options for choosing and opening a GPU.

use crate::time::Duration;
use crate::{Error, Result, Tuning};
use std::path::PathBuf;
use std::sync::Arc;

/// Options of [`Device::gpu`](crate::Device::gpu): which adapter to open, and how.
///
/// The default is the best hardware adapter: discrete before integrated, then in the order of
/// [`Device::adapters`](crate::Device::adapters). An adapter that several backends offer is opened through Metal or
/// Vulkan rather than DX12. If an adapter cannot be opened, the next one that fits the options is tried. Kernels run
/// without bounds checks, and use subgroups and 64-bit words where the adapter has them.
///
/// ```
/// let options = wgrad::GpuOptions::default().allow_software(true).name("llvmpipe");
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct GpuOptions {
    pub(crate) allow_software: bool,
    pub(crate) only_software: bool,
    pub(crate) name: Option<String>,
    pub(crate) index: Option<usize>,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) runtime_checks: bool,
    pub(crate) subgroups: bool,
    pub(crate) loads64: bool,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) sentinels: bool,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) hardware_kernels: bool,
    pub(crate) memory_limit: Option<u64>,
    pub(crate) pipeline_cache: Option<PathBuf>,
    #[cfg_attr(feature = "serde", serde(with = "tuning_text"))]
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
            loads64: true,
            sentinels: false,
            hardware_kernels: false,
            memory_limit: None,
            pipeline_cache: None,
            tuning: None,
            // Operating systems reset a hardware device after seconds in one submit. A software adapter may need
            // longer.
            timeout: Duration::from_secs(300),
        }
    }
}

impl GpuOptions {
    /// Default options: they select the best hardware GPU.
    pub fn new() -> Self {
        GpuOptions::default()
    }

    /// Whether adapters that run on the CPU (lavapipe, SwiftShader, WARP) are allowed; off by default. They are slower
    /// than [`Device::cpu`](crate::Device::cpu), and serve for testing.
    pub fn allow_software(self, allow_software: bool) -> Self {
        GpuOptions {
            allow_software,
            ..self
        }
    }

    /// Only adapters that run on the CPU, even if there is a hardware GPU; off by default. For testing.
    pub fn only_software(self, only_software: bool) -> Self {
        GpuOptions {
            only_software,
            ..self
        }
    }

    /// Only adapters whose name contains this text, ignoring case.
    pub fn name(self, name: impl Into<String>) -> Self {
        GpuOptions {
            name: Some(name.into()),
            ..self
        }
    }

    /// Only the adapter at this index of [`Device::adapters`](crate::Device::adapters).
    pub fn index(self, index: usize) -> Self {
        GpuOptions {
            index: Some(index),
            ..self
        }
    }

    /// Whether kernels are compiled with wgpu's bounds checks and loop counters; off by default. wgrad's kernels stay
    /// within their buffers without them, and are many times faster. For finding bugs in drivers and in wgrad.
    #[cfg(any(test, feature = "testing"))]
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

    /// Whether kernels on a software adapter may load and store 64-bit words where it has them (wgpu's
    /// `SHADER_INT64`); on by default. The bits are the same, with fewer memory accesses. Hardware gains nothing, so
    /// it is not used there.
    pub fn loads64(self, loads64: bool) -> Self {
        GpuOptions { loads64, ..self }
    }

    /// Whether every tensor is surrounded by sentinels and starts as NaN; off by default. A kernel that reads or
    /// writes outside its operands, or leaves part of its output unwritten, then causes a NaN or an error of
    /// [`Tensor::download`](crate::Tensor::download). For testing kernels and drivers.
    #[cfg(any(test, feature = "testing"))]
    pub fn sentinels(self, sentinels: bool) -> Self {
        GpuOptions { sentinels, ..self }
    }

    /// Whether a software adapter also runs the kernels for hardware, which are slow there; off by default. For
    /// testing them on a machine without a GPU.
    #[cfg(any(test, feature = "testing"))]
    pub fn hardware_kernels(self, hardware_kernels: bool) -> Self {
        GpuOptions {
            hardware_kernels,
            ..self
        }
    }

    /// The most bytes that all of wgrad's buffers on the device may take together. A call that needs more returns
    /// [`Error::OutOfMemory`] before it allocates anything: a network when it is built, its training when the trainer
    /// is built, a data set or another batch size when it is first used.
    ///
    /// By default only the driver limits memory, since wgpu does not report how much an adapter has. A refusal by the
    /// driver is the same error, and leaves nothing allocated. On Vulkan and DX12 the driver reports the program's
    /// budget, and wgpu refuses buffers beyond it, instead of swapping memory.
    ///
    /// When a buffer grows, the old one counts until its contents are copied. [`Device::cpu`](crate::Device::cpu) has
    /// no such limit: there the operating system's limits apply.
    pub fn memory_limit(self, bytes: u64) -> Self {
        GpuOptions {
            memory_limit: Some(bytes),
            ..self
        }
    }

    /// Keeps compiled pipelines in a folder, in one file for each adapter, so that the next run need not compile them.
    /// It helps where the driver has no cache of its own; most drivers have one. Only some adapters support it, among
    /// them Vulkan's: see [`DeviceReport::keeps_pipelines`](crate::DeviceReport::keeps_pipelines). The file is read
    /// when the device is opened. A file that is missing, damaged, or of another adapter or driver version counts as
    /// empty. It is written by [`Device::save_pipeline_cache`](crate::Device::save_pipeline_cache) and when the device
    /// is dropped. Results do not depend on it.
    ///
    /// Drivers trust these files: use a folder that nobody else can write to.
    pub fn pipeline_cache(self, folder: impl Into<PathBuf>) -> Self {
        GpuOptions {
            pipeline_cache: Some(folder.into()),
            ..self
        }
    }

    /// The kernels that [`Trainer::tune`](crate::Trainer::tune) or [`Network::tune`](crate::Network::tune) measured as
    /// fastest on this adapter. Opening another adapter, or the same one with another driver, is then an error.
    pub fn tuning(self, tuning: Tuning) -> Self {
        GpuOptions {
            tuning: Some(Arc::new(tuning)),
            ..self
        }
    }

    /// Checks that no option chooses an adapter, for calls that are given one.
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

    /// How long a call waits for a submit to finish before it returns [`Error::Timeout`]; above 0, by default 300 s.
    /// The submit continues, and a later call may find it finished.
    pub fn timeout(self, timeout: Duration) -> Self {
        GpuOptions { timeout, ..self }
    }

    /// The wanted adapter in words, for errors.
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

/// A tuning as the text of its file.
#[cfg(feature = "serde")]
mod tuning_text {
    use super::{Arc, Tuning};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        tuning: &Option<Arc<Tuning>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        tuning.as_ref().map(|t| t.to_string()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Arc<Tuning>>, D::Error> {
        let text: Option<String> = Deserialize::deserialize(from)?;
        let parse = |text: String| Tuning::parse("a tuning", &text).map(Arc::new);
        text.map(parse).transpose().map_err(D::Error::custom)
    }
}
