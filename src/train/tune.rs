//! Measured choice of the matmul algorithms of training.

use super::Trainer;
use super::tasks::train_task;
use crate::plan::{Plan, Task, lower};
use crate::{Result, Tuning};

impl Trainer {
    /// Times every matmul algorithm for each matrix product of this trainer's steps on full batches, in all phases, and
    /// of its evaluation. Returns the fastest ones: see [`Network::tune_async`](crate::Network::tune_async). It trains
    /// nothing.
    ///
    /// A tuning changes results by rounding, so a checkpoint only loads on a device with the same tuning. Open the
    /// device with the tuning before the run begins.
    ///
    /// ```
    /// use wgrad::{Device, GpuOptions, Sequential, Trainer};
    /// # fn main() -> wgrad::Result<()> {
    /// let options = GpuOptions::default().allow_software(true);
    /// let device = Device::gpu(options.clone())?;
    /// let network = Sequential::new(2).dense(3).relu().dense(2).build(&device, 1)?;
    /// let tuning = Trainer::builder(network).batch_size(4).build()?.tune()?;
    /// let tuned = Device::gpu(options.tuning(tuning))?;
    /// # let _ = tuned;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Network::tune_async`](crate::Network::tune_async).
    pub async fn tune_async(&self) -> Result<Tuning> {
        let (network, settings) = (&self.network, &self.settings);
        let supervision = network.usual_supervision();
        let batch = settings.batch_size;
        let steps = self.phases.iter().enumerate().map(|(phase, steps)| {
            let task = Task::Train(train_task(settings, steps, phase));
            lower(&network.plan_spec(batch, task, supervision))
        });
        let mut plans: Vec<Plan> = steps.collect();
        let batch = self.data.pace.batch;
        plans.push(lower(&network.plan_spec(
            batch,
            Task::Evaluate,
            supervision,
        )));
        network.tune_plans(&plans).await
    }

    /// Blocking form of [`Trainer::tune_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn tune(&self) -> Result<Tuning> {
        pollster::block_on(self.tune_async())
    }
}
