//! Batch normalisation.

use super::Tensor;
use super::calls::expect;
use crate::device::Operand;
use crate::kernel::base::ranges::check_share;
use crate::kernel::base::spread::SAVED_ROWS;
use crate::kernel::base::state::state_at;
use crate::kernel::{BatchNorm, BatchNormBackward, MatrixShape, Op};
use crate::{Error, Result};

/// Result of [`Tensor::batch_norm`].
#[derive(Debug)]
#[non_exhaustive]
pub struct BatchNormOutput {
    /// The normalised batch, [rows, cols].
    pub y: Tensor,
    /// Statistics for [`Tensor::batch_norm_backward`], [4, cols]. Row 0 is the rounded mean of the batch; row 1 is
    /// 1/√(variance + ε), per unit; row 2 is the rounding error of the mean, in units; row 3 is the unit: 1, or 1/16 if
    /// values are more than 10³⁰ apart.
    pub saved: Tensor,
    /// The running mean and variance after this batch, [2, cols].
    pub running: Tensor,
}

/// Gradients of a normalisation.
#[derive(Debug)]
#[non_exhaustive]
pub struct NormalizationGradients {
    /// Gradient with respect to the input, [rows, cols].
    pub dx: Tensor,
    /// Gradient with respect to the scale γ, [1, cols].
    pub dgamma: Tensor,
    /// Gradient with respect to the shift β, [1, cols].
    pub dbeta: Tensor,
}

impl Tensor {
    /// Batch normalisation in training (Ioffe and Szegedy 2015): with mean and variance 1/n·Σ(x − mean)² of every
    /// column of `self`, y = γ·(x − mean)/√(variance + ε) + β.
    ///
    /// It is accurate for values of any offset and magnitude. If all values of a column are equal, y = β exactly.
    ///
    /// `running` [2, cols] is the running mean and variance. The result has their next values, running + m·(batch −
    /// running), where m is the momentum and the batch's variance is the unbiased n/(n − 1)·variance. A value too large
    /// for an `f32` is infinite; [`copy_from`](Tensor::copy_from) then refuses it and keeps the old statistics. This is
    /// PyTorch's `BatchNorm1d`, except that PyTorch refuses a single row; here y = β, and the running variance is
    /// unchanged. PyTorch's defaults are ε = 10⁻⁵ and m = 0.1.
    ///
    /// ```
    /// use wgrad::{Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let device = Device::cpu();
    /// let x = Tensor::new(&device, [2, 1], &[1.0, 3.0])?;
    /// let gamma = Tensor::new(&device, [1, 1], &[10.0])?;
    /// let beta = Tensor::new(&device, [1, 1], &[5.0])?;
    /// let running = Tensor::new(&device, [2, 1], &[0.0, 1.0])?; // mean 0, variance 1
    /// let output = x.batch_norm(&gamma, &beta, &running, 1e-10, 0.5)?;
    /// assert_eq!(output.y.download()?, [-5.0, 15.0]);
    /// assert_eq!(output.running.download()?, [1.0, 1.5]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit, or the tensor has no row; [`Argument`](Error::Argument) unless
    /// ε is above 0 and finite, and the momentum is between 0 and 1.
    pub fn batch_norm(
        &self,
        gamma: &Tensor,
        beta: &Tensor,
        running: &Tensor,
        epsilon: f32,
        momentum: f32,
    ) -> Result<BatchNormOutput> {
        let name = "batch_norm";
        let shape = self.shape;
        expect_rows(name, shape)?;
        expect_scale_and_shift(name, shape, gamma, Some(beta))?;
        let statistics = MatrixShape::new(2, shape.cols);
        expect(name, "running statistics", running.shape, statistics)?;
        check_epsilon(epsilon)?;
        check_share("the momentum of statistics", momentum)?;
        super::same_device(name, &self.device, &[gamma, beta, running])?;
        let mut y = Tensor::room(&self.device, shape)?.with_rows_of(self);
        let of_batch = MatrixShape::new(SAVED_ROWS, shape.cols);
        let mut saved = Tensor::room(&self.device, of_batch)?;
        let mut next = Tensor::room(&self.device, statistics)?;
        let mut state = self.device.words("state", state_at(0).to_vec())?;
        self.device.run(
            BatchNorm {
                shape,
                epsilon,
                momentum,
                mean_id: 0,
                variance_id: 0,
            },
            &mut [
                Operand::Read(&self.memory),
                Operand::Read(&gamma.memory),
                Operand::Read(&beta.memory),
                Operand::Read(&running.memory),
                Operand::Write(&mut y.memory),
                Operand::Write(&mut saved.memory),
                Operand::Write(&mut next.memory),
                Operand::Write(&mut state),
            ],
        )?;
        Ok(BatchNormOutput {
            y,
            saved,
            running: next,
        })
    }

    /// Gradients of [`batch_norm`](Tensor::batch_norm) from its output gradient dy (`self`), its input x, its `saved`
    /// statistics, and γ. `saved` may also have two rows, mean and 1/√(variance + ε), if the mean is exact to `f32`
    /// rounding and the standard deviation is below 10³⁰. With x̂ = (x − mean)/√(variance + ε): dβ = Σdy, dγ = Σ dy·x̂
    /// over the rows, and dx = γ/√(variance + ε)·(dy − dβ/n − x̂·dγ/n).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit, or there is no row.
    pub fn batch_norm_backward(
        &self,
        x: &Tensor,
        saved: &Tensor,
        gamma: &Tensor,
    ) -> Result<NormalizationGradients> {
        let name = "batch_norm_backward";
        let shape = self.shape;
        expect_rows(name, shape)?;
        expect(name, "x", x.shape, shape)?;
        let saved_rows = if saved.shape.rows == 2 { 2 } else { SAVED_ROWS };
        let statistics = MatrixShape::new(saved_rows, shape.cols);
        expect(name, "saved statistics", saved.shape, statistics)?;
        expect_scale_and_shift(name, shape, gamma, None)?;
        super::same_device(name, &self.device, &[x, saved, gamma])?;
        let row = MatrixShape::new(1, shape.cols);
        let mut dx = Tensor::room(&self.device, shape)?.with_rows_of(self);
        let mut dgamma = Tensor::room(&self.device, row)?;
        let mut dbeta = Tensor::room(&self.device, row)?;
        let mut state = self.device.words("state", state_at(0).to_vec())?;
        self.device.run(
            BatchNormBackward {
                shape,
                saved_rows,
                gamma_id: 0,
                beta_id: 0,
            },
            &mut [
                Operand::Read(&self.memory),
                Operand::Read(&x.memory),
                Operand::Read(&saved.memory),
                Operand::Read(&gamma.memory),
                Operand::Write(&mut dx.memory),
                Operand::Write(&mut dgamma.memory),
                Operand::Write(&mut dbeta.memory),
                Operand::Write(&mut state),
            ],
        )?;
        Ok(NormalizationGradients { dx, dgamma, dbeta })
    }

    /// Batch normalisation with running statistics [2, cols], as in evaluation: y = γ·(x − mean)/√(variance + ε) + β.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit; [`Argument`](Error::Argument) unless ε is above 0 and finite.
    pub fn normalize(
        &self,
        gamma: &Tensor,
        beta: &Tensor,
        running: &Tensor,
        epsilon: f32,
    ) -> Result<Tensor> {
        expect_scale_and_shift("normalize", self.shape, gamma, Some(beta))?;
        let statistics = MatrixShape::new(2, self.shape.cols);
        expect("normalize", "running statistics", running.shape, statistics)?;
        check_epsilon(epsilon)?;
        let op = Op::Normalize { epsilon };
        self.elementwise("normalize", op, &[gamma, beta, running])
    }
}

fn expect_rows(operation: &'static str, shape: MatrixShape) -> Result<()> {
    if shape.rows == 0 {
        return Err(Error::shape(operation, "at least one row", shape));
    }
    Ok(())
}

pub(super) fn expect_scale_and_shift(
    operation: &'static str,
    shape: MatrixShape,
    gamma: &Tensor,
    beta: Option<&Tensor>,
) -> Result<()> {
    let row = MatrixShape::new(1, shape.cols);
    expect(operation, "γ", gamma.shape, row)?;
    beta.map_or(Ok(()), |beta| expect(operation, "β", beta.shape, row))
}

pub(super) fn check_epsilon(epsilon: f32) -> Result<()> {
    if epsilon > 0.0 && epsilon.is_finite() {
        Ok(())
    } else {
        let wanted = "above 0 and finite";
        Err(Error::argument("the ε of a normalisation", wanted, epsilon))
    }
}
