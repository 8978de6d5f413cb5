//! Losses of a batch and their gradients.

mod call;
mod target;

pub use target::{LossOutput, TensorTarget};

use super::{Indices, Tensor};
use crate::Result;
use crate::kernel::loss::Output;
use crate::kernel::{Loss, MatrixShape};
use call::Call;

impl Tensor {
    /// Computes a loss and its gradients. `self` is the first input; `others` are the second and third input of
    /// criteria with several inputs. Waits for the result.
    ///
    /// ```
    /// use wgrad::{Criterion, Device, Loss, Reduction, Tensor, Indices};
    /// # fn main() -> wgrad::Result<()> {
    /// let device = Device::cpu();
    /// let x = Tensor::new(&device, [2, 2], &[1.0, 0.0, 3.0, 4.0])?;
    /// let t = Tensor::new(&device, [2, 2], &[1.0, 2.0, 3.0, 3.0])?;
    /// let squared = x.loss(&Loss::half_squared_error(), &[], &t)?; // ½Σ(x − t)²
    /// assert_eq!(squared.loss, 2.5);
    /// assert_eq!(squared.gradients[0].download()?, [0.0, -2.0, 0.0, 1.0]);
    ///
    /// let labels = Indices::new(&device, &[0, 1])?;
    /// let hinge = Loss::from(Criterion::Hinge { margin: 1.0 }).reduction(Reduction::Sum);
    /// let hinge = x.loss(&hinge, &[], &labels)?; // against 1, −1 and −1, 1
    /// assert_eq!((hinge.loss, hinge.correct), (5.0, 2));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](crate::Error::Argument) if a setting of the loss is outside its range, or if the criterion does not
    /// take this kind of target; [`Shape`](crate::Error::Shape) if the number of inputs is not the criterion's, their
    /// shapes differ or are empty, or the target does not fit them; [`Label`](crate::Error::Label) if a label is
    /// neither below the number of classes nor the ignored index; [`NonFiniteData`](crate::Error::NonFiniteData) if a
    /// target is not finite; [`NonFinite`](crate::Error::NonFinite) if an input or a row's loss is not finite.
    pub async fn loss_async(
        &self,
        loss: &Loss,
        others: &[&Tensor],
        target: impl Into<TensorTarget<'_>>,
    ) -> Result<LossOutput> {
        let call = Call::new("loss", loss, self, others, target.into()).await?;
        call.reduce().await
    }

    /// Computes the loss of every row, [1, rows], with class weights but without reduction and factor (PyTorch's
    /// reduction `none`, summed over the columns). It is 0 if the label is ignored. Waits for the result.
    ///
    /// # Errors
    /// Those of [`Tensor::loss_async`].
    pub async fn row_losses_async(
        &self,
        loss: &Loss,
        others: &[&Tensor],
        target: impl Into<TensorTarget<'_>>,
    ) -> Result<Tensor> {
        let call = Call::new("row_losses", loss, self, others, target.into()).await?;
        let mut losses = Tensor::room(&self.device, MatrixShape::new(1, self.shape.rows))?;
        call.run(Output::Rows, &mut [&mut losses.memory]).await?;
        Ok(losses)
    }

    /// The mean softmax cross-entropy of logits (`self`, [batch, classes]) with one label per row:
    /// [`Tensor::loss_async`] of [`Loss::softmax_cross_entropy`].
    ///
    /// # Errors
    /// Those of [`Tensor::loss_async`].
    pub async fn cross_entropy_async(&self, labels: &Indices) -> Result<LossOutput> {
        let loss = Loss::softmax_cross_entropy();
        let call = Call::new("cross_entropy", &loss, self, &[], labels.into()).await?;
        call.reduce().await
    }

    /// Blocking form of [`Tensor::loss_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn loss<'a>(
        &self,
        loss: &Loss,
        others: &[&Tensor],
        target: impl Into<TensorTarget<'a>>,
    ) -> Result<LossOutput> {
        pollster::block_on(self.loss_async(loss, others, target.into()))
    }

    /// Blocking form of [`Tensor::row_losses_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn row_losses<'a>(
        &self,
        loss: &Loss,
        others: &[&Tensor],
        target: impl Into<TensorTarget<'a>>,
    ) -> Result<Tensor> {
        pollster::block_on(self.row_losses_async(loss, others, target.into()))
    }

    /// Blocking form of [`Tensor::cross_entropy_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn cross_entropy(&self, labels: &Indices) -> Result<LossOutput> {
        pollster::block_on(self.cross_entropy_async(labels))
    }
}
