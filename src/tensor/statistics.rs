//! Statistics of tensors and of their changes.

use super::calls::expect;
use super::{Tensor, same_device};
use crate::Result;
use crate::device::Operand;
use crate::kernel::{Statistics, TensorStatistics};

impl Tensor {
    /// Mean, variance, norm, maximum magnitude, and the numbers of zeros and of non-finite values. Waits for the
    /// result.
    ///
    /// # Errors
    /// Errors of the device, and those of [`Tensor::download_async`].
    pub async fn statistics_async(&self) -> Result<TensorStatistics> {
        self.statistics_of(None).await
    }

    /// Statistics of self − previous, element by element, for example of an update. Waits for the result.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if the shapes differ; also those of [`Tensor::statistics_async`].
    pub async fn change_statistics_async(&self, previous: &Tensor) -> Result<TensorStatistics> {
        const OPERATION: &str = "change_statistics";
        expect(OPERATION, "previous values", previous.shape, self.shape)?;
        same_device(OPERATION, &self.device, &[previous])?;
        self.statistics_of(Some(previous)).await
    }

    /// Blocking form of [`Tensor::statistics_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn statistics(&self) -> Result<TensorStatistics> {
        pollster::block_on(self.statistics_async())
    }

    /// Blocking form of [`Tensor::change_statistics_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn change_statistics(&self, previous: &Tensor) -> Result<TensorStatistics> {
        pollster::block_on(self.change_statistics_async(previous))
    }

    async fn statistics_of(&self, previous: Option<&Tensor>) -> Result<TensorStatistics> {
        let length = Statistics::output(self.shape.floats());
        let mut output = self.device.room("statistics", length)?;
        let call = Statistics {
            shape: self.shape,
            change: previous.is_some(),
            place: 0,
        };
        let mut operands = vec![Operand::Read(&self.memory)];
        operands.extend(previous.map(|previous| Operand::Read(&previous.memory)));
        operands.push(Operand::Write(&mut output));
        self.device.run(call, &mut operands)?;
        let words = self.read(&output).await?;
        let parts: &[f32] = bytemuck::cast_slice(&words[..length]);
        Ok(TensorStatistics::new(self.shape, parts))
    }
}
