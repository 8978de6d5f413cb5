//! Tuning: measured choice of matmul algorithms on the user's GPU, and its file.

use super::Network;
use crate::device::Backend;
use crate::executor;
#[cfg(not(target_arch = "wasm32"))]
use crate::file::{read_file, write_file};
use crate::plan::{Plan, Task, lower};
use crate::{Error, Result, Tuning};
#[cfg(not(target_arch = "wasm32"))]
use std::path::Path;

impl Network {
    /// Times every algorithm for each matrix product of prediction and of gradients with `batch` rows, on the network's
    /// GPU, and returns the fastest ones. It changes neither the network nor the device. To use the choices, open a
    /// device with [`GpuOptions::tuning`](crate::GpuOptions::tuning).
    ///
    /// It first compares the result of each algorithm with that of the default. Timestamp queries measure single runs,
    /// and the median counts. The default is kept unless another algorithm is at least 3 % faster. Tuning takes about a
    /// second on a fast GPU, mostly for compilation, and minutes on a software adapter with large networks. Leave the
    /// GPU idle otherwise.
    ///
    /// ```
    /// use wgrad::{Device, GpuOptions, Sequential, Tuning};
    /// # fn main() -> wgrad::Result<()> {
    /// let options = GpuOptions::default().allow_software(true);
    /// let path = std::env::temp_dir().join(format!("wgrad-{}.tuning", std::process::id()));
    /// // Once:
    /// let layers = Sequential::new(3).dense(2);
    /// let network = layers.clone().build(&Device::gpu(options.clone())?, 1)?;
    /// network.tune(4)?.save(&path)?;
    /// // In every run after:
    /// let device = Device::gpu(options.tuning(Tuning::load(&path)?))?;
    /// let network = layers.build(&device, 1)?;
    /// assert_eq!(network.predict(&[0.0; 12])?, [0.0; 8]);
    /// # std::fs::remove_file(path).ok();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the network is on the CPU, the batch is 0, or the adapter has no timestamp
    /// queries; [`Limit`](Error::Limit) if an operand is too large for the device; [`Gpu`](Error::Gpu) if two
    /// algorithms disagree, which is a bug in the driver or in wgrad.
    pub async fn tune_async(&self, batch: usize) -> Result<Tuning> {
        if batch == 0 {
            return Err(Error::argument("the batch to tune for", "at least 1", 0));
        }
        // The same batch sizes as in prediction.
        let (_, rows) = self.prediction_batch(batch);
        let plans = [
            self.plan_spec(rows, Task::Predict, Default::default()),
            self.plan_spec(batch, Task::Differentiate, self.usual_supervision()),
        ];
        self.tune_plans(&plans.map(|plan_spec| lower(&plan_spec)))
            .await
    }

    /// Blocking form of [`Network::tune_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn tune(&self, batch: usize) -> Result<Tuning> {
        pollster::block_on(self.tune_async(batch))
    }

    /// Measures the products of some plans.
    pub(crate) async fn tune_plans(&self, plans: &[Plan]) -> Result<Tuning> {
        match &self.device.0 {
            Backend::Gpu(gpu) => executor::tune(gpu, plans).await,
            Backend::Cpu(_) => Err(Error::argument("the device to tune", "a GPU", "the CPU")),
        }
    }
}

/// Longest file of a tuning: a million products.
#[cfg(not(target_arch = "wasm32"))]
const MAX_BYTES: u64 = 1 << 25;

impl Tuning {
    /// Saves the tuning to a file, atomically, as [`Network::save`] does.
    ///
    /// # Errors
    /// [`Io`](Error::Io) if the file cannot be written.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_file(path.as_ref(), self.to_string().as_bytes())
    }

    /// Loads a tuning from a file: see [`Tuning::parse`].
    ///
    /// # Errors
    /// [`Io`](Error::Io) if the file cannot be read; [`Format`](Error::Format) if it is not a file of [`Tuning::save`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = path.display().to_string();
        let text = String::from_utf8(read_file(path, MAX_BYTES)?);
        let text = text.map_err(|_| Error::format(&file, "is not text"))?;
        Tuning::parse(&file, &text)
    }
}
