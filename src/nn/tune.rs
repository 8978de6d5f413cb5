//! Measuring the products of a network on the user's own GPU, and the file of what was chosen.

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
    /// Times every algorithm for each matrix product of prediction and of gradients with `batch` rows, on the GPU that
    /// the network lies on, and gives the fastest ones. The network stays as it is, and so does the device: a device
    /// that uses them is opened with [`GpuOptions::tuning`](crate::GpuOptions::tuning).
    ///
    /// The result of each algorithm is first compared with that of the default. Single runs are timed by timestamp
    /// queries; the median counts, and the default stays unless another takes 3 % less. It takes about a second on a
    /// fast GPU, mostly for compiling, and minutes on a software adapter with large networks. Do nothing else with the
    /// GPU meanwhile.
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
    /// [`Argument`](Error::Argument) if the network lies on the CPU, the batch is 0, or the adapter has no timestamp
    /// queries; [`Limit`](Error::Limit) if an operand is too large for the device; [`Gpu`](Error::Gpu) if two
    /// algorithms do not give the same numbers, which is a driver's bug or wgrad's.
    pub async fn tune_async(&self, batch: usize) -> Result<Tuning> {
        if batch == 0 {
            return Err(Error::argument("the batch to tune for", "at least 1", 0));
        }
        // As prediction cuts its rows and fills them up.
        let (_, rows) = self.prediction_batch(batch);
        let plans = [
            self.plan_spec(rows, Task::Predict, Default::default()),
            self.plan_spec(batch, Task::Differentiate, self.usual_supervision()),
        ];
        self.tune_plans(&plans.map(|plan_spec| lower(&plan_spec)))
            .await
    }

    /// [`Network::tune_async`], waited for.
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
    /// Saves it to a file, in one step, as [`Network::save`].
    ///
    /// # Errors
    /// [`Io`](Error::Io) if the file cannot be written.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_file(path.as_ref(), self.to_string().as_bytes())
    }

    /// [`Tuning::parse`] of a file.
    ///
    /// # Errors
    /// [`Io`](Error::Io) if the file cannot be read; [`Format`](Error::Format) if it is not one that [`Tuning::save`]
    /// writes.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = path.display().to_string();
        let text = String::from_utf8(read_file(path, MAX_BYTES)?);
        let text = text.map_err(|_| Error::format(&file, "is not text"))?;
        Tuning::parse(&file, &text)
    }
}
