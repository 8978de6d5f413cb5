//! Layer, RMS and group normalisation.

use super::Tensor;
use super::calls::expect;
use super::normalization::{NormalizationGradients, check_epsilon, expect_scale_and_shift};
use crate::device::Operand;
use crate::kernel::normalization::group_norm::Groups;
use crate::kernel::{
    GroupNorm, GroupNormBackward, Kernel, LayerNorm, LayerNormBackward, MatrixShape, RmsNorm,
    RmsNormBackward,
};
use crate::{Error, Result};

/// Gradients of [`Tensor::rms_norm`].
#[derive(Debug)]
#[non_exhaustive]
pub struct RmsNormGradients {
    /// Gradient with respect to the input, [rows, cols].
    pub dx: Tensor,
    /// Gradient with respect to the scale γ, [1, cols].
    pub dgamma: Tensor,
}

impl Tensor {
    /// Layer normalisation (Ba et al. 2016): with mean and variance 1/n·Σ(x − mean)² of every row of `self`, y = γ·(x −
    /// mean)/√(variance + ε) + β, where γ and β are [1, cols] (PyTorch's `LayerNorm` over the last axis, whose default
    /// for ε is 10⁻⁵).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit; [`Argument`](Error::Argument) unless ε is above 0 and finite.
    pub fn layer_norm(&self, gamma: &Tensor, beta: &Tensor, epsilon: f32) -> Result<Tensor> {
        let shape = self.shape;
        expect_scale_and_shift("layer_norm", shape, gamma, Some(beta))?;
        check_epsilon(epsilon)?;
        let call = LayerNorm { shape, epsilon };
        Tensor::call("layer_norm", call, &[self, gamma, beta], shape)
    }

    /// Gradients of [`layer_norm`](Tensor::layer_norm) from its output gradient dy (`self`), its input x, γ and ε. With
    /// x̂ = (x − mean)/√(variance + ε) and g = γ ⊙ dy: dx = (g − mean(g) − x̂·mean(g ⊙ x̂))/√(variance + ε), with means
    /// over each row; dγ = Σ dy·x̂ and dβ = Σ dy over the rows.
    ///
    /// # Errors
    /// Those of [`layer_norm`](Tensor::layer_norm).
    pub fn layer_norm_backward(
        &self,
        x: &Tensor,
        gamma: &Tensor,
        epsilon: f32,
    ) -> Result<NormalizationGradients> {
        let name = "layer_norm_backward";
        let shape = self.shape;
        expect(name, "x", x.shape, shape)?;
        expect_scale_and_shift(name, shape, gamma, None)?;
        check_epsilon(epsilon)?;
        let kernel = LayerNormBackward { shape, epsilon };
        let [dx, terms] = self.row_gradients(name, kernel, x, gamma)?;
        Ok(NormalizationGradients {
            dx,
            dgamma: terms.column_sum()?,
            dbeta: self.column_sum()?,
        })
    }

    /// Root mean square normalisation (Zhang and Sennrich 2019): y = γ·x/√(mean(x²) + ε) with the mean over every row
    /// of `self`, where γ is [1, cols] (PyTorch's `RMSNorm` over the last axis, whose default for ε is 2⁻²³).
    ///
    /// ```
    /// use wgrad::{Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let device = Device::cpu();
    /// let x = Tensor::new(&device, [1, 2], &[6.0, 2.0])?;
    /// let gamma = Tensor::new(&device, [1, 2], &[1.0, 10.0])?;
    /// let y = x.rms_norm(&gamma, 5.0)?; // √(20 + 5) is 5
    /// assert_eq!(y.download()?, [1.2, 4.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit; [`Argument`](Error::Argument) unless ε is above 0 and finite.
    pub fn rms_norm(&self, gamma: &Tensor, epsilon: f32) -> Result<Tensor> {
        let shape = self.shape;
        expect_scale_and_shift("rms_norm", shape, gamma, None)?;
        check_epsilon(epsilon)?;
        let call = RmsNorm { shape, epsilon };
        Tensor::call("rms_norm", call, &[self, gamma], shape)
    }

    /// Gradients of [`rms_norm`](Tensor::rms_norm) from its output gradient dy (`self`), its input x, γ and ε. With x̂ =
    /// x/√(mean(x²) + ε) and g = γ ⊙ dy: dx = (g − x̂·mean(g ⊙ x̂))/√(mean(x²) + ε), with means over each row; dγ = Σ
    /// dy·x̂ over the rows.
    ///
    /// # Errors
    /// Those of [`rms_norm`](Tensor::rms_norm).
    pub fn rms_norm_backward(
        &self,
        x: &Tensor,
        gamma: &Tensor,
        epsilon: f32,
    ) -> Result<RmsNormGradients> {
        let name = "rms_norm_backward";
        let shape = self.shape;
        expect(name, "x", x.shape, shape)?;
        expect_scale_and_shift(name, shape, gamma, None)?;
        check_epsilon(epsilon)?;
        let kernel = RmsNormBackward { shape, epsilon };
        let [dx, terms] = self.row_gradients(name, kernel, x, gamma)?;
        let dgamma = terms.column_sum()?;
        Ok(RmsNormGradients { dx, dgamma })
    }

    /// Group normalisation (Wu and He 2018) of samples [N, …, C], such as images [N, H, W, C]: in every sample, each of
    /// `groups` groups of adjacent channels is normalised over its channels and all pixels, y = γ·(x − mean)/√(variance
    /// + ε) + β, where γ and β are [1, C] (PyTorch's `GroupNorm`, whose default for ε is 10⁻⁵).
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit, or the groups do not divide the channels;
    /// [`Argument`](Error::Argument) unless ε is above 0 and finite.
    pub fn group_norm(
        &self,
        gamma: &Tensor,
        beta: &Tensor,
        groups: usize,
        epsilon: f32,
    ) -> Result<Tensor> {
        let (name, shape) = ("group_norm", self.shape);
        expect_scale_and_shift(name, shape, gamma, Some(beta))?;
        check_epsilon(epsilon)?;
        let groups = self.groups(name, groups)?;
        let call = GroupNorm { groups, epsilon };
        Tensor::call(name, call, &[self, gamma, beta], shape)
    }

    /// Gradients of [`group_norm`](Tensor::group_norm) from its output gradient dy (`self`), its input x, γ and ε:
    /// those of [`layer_norm_backward`](Tensor::layer_norm_backward) within each group.
    ///
    /// # Errors
    /// Those of [`group_norm`](Tensor::group_norm).
    pub fn group_norm_backward(
        &self,
        x: &Tensor,
        gamma: &Tensor,
        groups: usize,
        epsilon: f32,
    ) -> Result<NormalizationGradients> {
        let (name, shape) = ("group_norm_backward", self.shape);
        expect(name, "x", x.shape, shape)?;
        if self.dims != x.dims {
            let (expected, found) = (format!("x {:?}", self.dims), format!("{:?}", x.dims));
            return Err(Error::shape(name, expected, found));
        }
        expect_scale_and_shift(name, shape, gamma, None)?;
        check_epsilon(epsilon)?;
        let groups = self.groups(name, groups)?;
        let kernel = GroupNormBackward { groups, epsilon };
        let [dx, terms] = self.row_gradients(name, kernel, x, gamma)?;
        Ok(NormalizationGradients {
            dx,
            dgamma: terms.column_sum()?,
            dbeta: self.column_sum()?,
        })
    }

    /// The groups of channels of samples [N, …, C].
    fn groups(&self, operation: &'static str, groups: usize) -> Result<Groups> {
        let MatrixShape { rows, cols } = self.shape;
        if groups == 0 || !cols.is_multiple_of(groups) {
            let expected = format!("a number of groups that divides the {cols} channels");
            return Err(Error::shape(operation, expected, groups));
        }
        let samples = match self.dims[..] {
            [samples, _, ..] => samples,
            _ => 1,
        };
        Ok(Groups {
            samples,
            pixels: rows.checked_div(samples).unwrap_or(0),
            channels: cols,
            groups,
        })
    }

    /// dx, and the terms of dγ, of a normalisation of rows: of dy (`self`), x and γ.
    fn row_gradients(
        &self,
        operation: &'static str,
        kernel: impl Into<Kernel>,
        x: &Tensor,
        gamma: &Tensor,
    ) -> Result<[Tensor; 2]> {
        super::same_device(operation, &self.device, &[x, gamma])?;
        let mut dx = Tensor::room(&self.device, self.shape)?.with_rows_of(self);
        let mut terms = Tensor::room(&self.device, self.shape)?.with_rows_of(self);
        self.device.run(
            kernel,
            &mut [
                Operand::Read(&self.memory),
                Operand::Read(&x.memory),
                Operand::Read(&gamma.memory),
                Operand::Write(&mut dx.memory),
                Operand::Write(&mut terms.memory),
            ],
        )?;
        Ok([dx, terms])
    }
}
