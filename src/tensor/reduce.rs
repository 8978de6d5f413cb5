//! Calls that reduce a tensor to numbers. They wait for the device.

use super::Tensor;
use crate::device::Operand;
use crate::kernel::base::scale::norm;
use crate::kernel::reduction::squares::PAIR;
use crate::kernel::{Argmax, Kernel, Squares, Sum};
use crate::{Error, Result};

/// A norm as `f32`, or an error if `f32` cannot hold it.
pub(super) fn finite_norm(norm: f64) -> Result<f32> {
    if (norm as f32).is_finite() {
        return Ok(norm as f32);
    }
    let tensor = "a norm".to_string();
    let step = Error::OUTSIDE_TRAINING;
    Err(Error::NonFinite { step, tensor })
}

impl Tensor {
    /// Index of the first maximum of every row. A NaN is greater than any number, as in PyTorch and NumPy. Waits for
    /// the result.
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
    /// [`Shape`](Error::Shape) if the tensor has no column; also those of [`Tensor::sum_async`].
    pub async fn argmax_async(&self) -> Result<Vec<u32>> {
        let shape = self.shape;
        if shape.cols == 0 {
            return Err(Error::shape("argmax", "at least one column", shape));
        }
        let mut columns = self
            .device
            .words("slice_columns", vec![0; shape.rows.max(4)])?;
        self.device.run(
            Argmax { shape },
            &mut [Operand::Read(&self.memory), Operand::Write(&mut columns)],
        )?;
        let mut words = self.read(&columns).await?;
        words.truncate(shape.rows);
        Ok(words)
    }

    /// Blocking form of [`Tensor::argmax_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn argmax(&self) -> Result<Vec<u32>> {
        pollster::block_on(self.argmax_async())
    }

    /// The sum of all elements, in a fixed order. Waits for the result.
    ///
    /// # Errors
    /// Errors of the device, and those of [`Tensor::download_async`].
    pub async fn sum_async(&self) -> Result<f32> {
        let words = self.parts(Sum::lone(self.shape.floats()).into(), 1).await?;
        let parts: &[f32] = bytemuck::cast_slice(&words);
        Ok(parts.iter().map(|&part| f64::from(part)).sum::<f64>() as f32)
    }

    /// The Euclidean norm √Σx² over all elements, in a fixed order. Waits for the result. The squares are scaled by
    /// powers of two, so elements of any magnitude give a correct norm.
    ///
    /// # Errors
    /// [`NonFinite`](Error::NonFinite) if the norm is not finite in `f32`; also those of [`Tensor::sum_async`].
    pub async fn norm_async(&self) -> Result<f32> {
        let call = Squares::lone(self.shape.floats());
        let words = self.parts(call.into(), PAIR).await?;
        finite_norm(norm::<f32>(bytemuck::cast_slice(&words)))
    }

    /// The partial results of a call, `each` words per part.
    async fn parts(&self, call: Kernel, each: usize) -> Result<Vec<u32>> {
        let count = each * Sum::parts(self.shape.floats());
        let mut parts = self.device.floats("partial sums", vec![0.0; count])?;
        let state = self.device.words("state", vec![0; 4])?;
        self.device.run(
            call,
            &mut [
                Operand::Read(&self.memory),
                Operand::Write(&mut parts),
                Operand::Read(&state),
            ],
        )?;
        let mut words = self.read(&parts).await?;
        words.truncate(count);
        Ok(words)
    }

    /// Blocking form of [`Tensor::sum_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn sum(&self) -> Result<f32> {
        pollster::block_on(self.sum_async())
    }

    /// Blocking form of [`Tensor::norm_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn norm(&self) -> Result<f32> {
        pollster::block_on(self.norm_async())
    }
}
