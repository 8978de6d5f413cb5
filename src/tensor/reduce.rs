//! Calls that reduce a tensor to numbers, and so wait for the device.

use super::{Tensor, Words};
use crate::device::Operand;
use crate::kernel::{CrossEntropy, Sum, row_reduce, update::ALL_FINITE};
use crate::{Error, Result};

/// What [`Tensor::cross_entropy`] gives.
#[derive(Debug)]
#[non_exhaustive]
pub struct CrossEntropyOutput {
    /// The mean loss over the rows.
    pub loss: f32,
    /// Rows whose first greatest logit is the label's.
    pub correct: usize,
    /// The gradient of the mean loss with respect to the logits.
    pub gradient: Tensor,
}

impl Tensor {
    /// Softmax cross-entropy of logits (`self`, [batch, classes]) with one label a row: mean loss, gradient and
    /// correct count in one pass. Waits for the result.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) unless there is one label a row, and at least one row and class;
    /// [`Label`](Error::Label) if a label is not below the number of classes;
    /// [`NonFinite`](Error::NonFinite) if a logit is not finite.
    pub async fn cross_entropy_async(&self, labels: &Words) -> Result<CrossEntropyOutput> {
        let shape = self.shape;
        if labels.len != shape.rows || shape.rows == 0 || shape.cols == 0 {
            return Err(Error::shape(
                "cross_entropy",
                format!(
                    "one label for each of {} rows, and at least one row and class",
                    shape.rows
                ),
                format!("{} labels for logits {shape}", labels.len),
            ));
        }
        if labels.max as usize >= shape.cols {
            let words = labels.memory.download(&labels.device).await?;
            let row = words.iter().position(|&w| w == labels.max).unwrap_or(0);
            return Err(Error::Label {
                row,
                label: labels.max,
                classes: shape.cols,
            });
        }
        if !labels.device.is_same(&self.device) {
            return Err(Error::DeviceMismatch {
                operation: "cross_entropy",
            });
        }
        let parts = row_reduce::sums(shape);
        let mut gradient = Tensor::room(&self.device, shape)?;
        let mut ring = self.device.floats("loss", vec![0.0; 2 * parts])?;
        let mut state = self.device.words("state", vec![0, 0, ALL_FINITE, 0])?;
        let call = CrossEntropy {
            shape,
            scale: 1.0 / shape.rows as f32,
            gradient: true,
            ring_steps: 1,
            ring_stride: parts,
        };
        self.device.run(
            call,
            &mut [
                Operand::Read(&self.memory),
                Operand::Read(&labels.memory),
                Operand::Write(&mut gradient.memory),
                Operand::Write(&mut ring),
                Operand::Write(&mut state),
            ],
        )?;
        let sums = ring.download(&self.device).await?;
        if state.download(&self.device).await?[2] != ALL_FINITE {
            return Err(Error::NonFinite {
                step: 0,
                tensor: "logits".into(),
            });
        }
        let (mut loss, mut correct) = (0.0, 0.0);
        for pair in bytemuck::cast_slice::<u32, f32>(&sums)[..2 * parts].chunks_exact(2) {
            loss += f64::from(pair[0]);
            correct += pair[1];
        }
        Ok(CrossEntropyOutput {
            loss: (loss / shape.rows as f64) as f32,
            correct: correct as usize,
            gradient,
        })
    }

    /// [`Tensor::cross_entropy_async`], waited for.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn cross_entropy(&self, labels: &Words) -> Result<CrossEntropyOutput> {
        pollster::block_on(self.cross_entropy_async(labels))
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
