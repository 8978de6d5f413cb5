//! Calls that reduce a tensor to numbers, and so wait for the device.

use super::Tensor;
use crate::device::Operand;
use crate::kernel::{Argmax, Sum};
use crate::{Error, Result};

impl Tensor {
    /// The first greatest column of every row. A NaN counts as greater than any number, as in PyTorch and NumPy. Waits
    /// for the result.
    ///
    /// ```
    /// use wgrad::{Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let scores = Tensor::new(&Device::cpu(), [2, 3], &[0.1, 0.7, 0.2, 0.4, 0.3, 0.4])?;
    /// assert_eq!(scores.argmax()?, [1, 0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if there is no column.
    pub async fn argmax_async(&self) -> Result<Vec<u32>> {
        let shape = self.shape;
        if shape.cols == 0 {
            return Err(Error::shape("argmax", "at least one column", shape));
        }
        let mut columns = self.device.words("columns", vec![0; shape.rows.max(4)])?;
        self.device.run(
            Argmax { shape },
            &mut [Operand::Read(&self.memory), Operand::Write(&mut columns)],
        )?;
        let mut words = columns.download(&self.device).await?;
        words.truncate(shape.rows);
        Ok(words)
    }

    /// [`Tensor::argmax_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn argmax(&self) -> Result<Vec<u32>> {
        pollster::block_on(self.argmax_async())
    }

    /// The sum of all elements, in a fixed order. Waits for the result.
    ///
    /// # Errors
    /// Only the device's.
    pub async fn sum_async(&self) -> Result<f32> {
        Ok(self.total(false).await? as f32)
    }

    /// The Euclidean norm √Σx² over all elements, in a fixed order. Waits for the result. The squares are summed in `f32`:
    /// a norm above 1.8e19 comes out infinite, and elements below 1e-23 count as 0.
    ///
    /// # Errors
    /// Only the device's.
    pub async fn norm_async(&self) -> Result<f32> {
        Ok(self.total(true).await?.sqrt() as f32)
    }

    async fn total(&self, squares: bool) -> Result<f64> {
        let floats = self.shape.floats();
        let call = Sum::lone(floats, squares);
        let mut parts = self
            .device
            .floats("partial sums", vec![0.0; call.ring_stride])?;
        let state = self.device.words("state", vec![0; 4])?;
        let count = call.ring_stride;
        self.device.run(
            call,
            &mut [
                Operand::Read(&self.memory),
                Operand::Write(&mut parts),
                Operand::Read(&state),
            ],
        )?;
        let words = parts.download(&self.device).await?;
        let parts: &[f32] = bytemuck::cast_slice(&words[..count]);
        Ok(parts.iter().map(|&part| f64::from(part)).sum())
    }

    /// [`Tensor::sum_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn sum(&self) -> Result<f32> {
        pollster::block_on(self.sum_async())
    }

    /// [`Tensor::norm_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn norm(&self) -> Result<f32> {
        pollster::block_on(self.norm_async())
    }
}
