//! General matrix product of BLAS and ONNX, composed of other tensor calls.

use super::Tensor;
use super::calls::expect;
use crate::kernel::{Layout, MatrixShape};
use crate::{Error, Result};

/// Options of [`Tensor::gemm`], which computes α·op(A)·op(B) + β·C.
///
/// ```
/// use wgrad::{Device, Gemm, Tensor};
/// # fn main() -> wgrad::Result<()> {
/// let device = Device::cpu();
/// let a = Tensor::new(&device, [1, 2], &[1.0, 2.0])?;
/// let b = Tensor::new(&device, [1, 2], &[3.0, 4.0])?;
/// let c = Tensor::new(&device, [1, 1], &[100.0])?;
/// let options = Gemm::new().alpha(10.0).transpose_b(true);
/// assert_eq!(a.gemm(&b, Some(&c), options)?.download()?, [210.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Gemm {
    alpha: f32,
    beta: f32,
    transpose_a: bool,
    transpose_b: bool,
}

impl Default for Gemm {
    /// [`Gemm::new`].
    fn default() -> Self {
        Gemm::new()
    }
}

impl Gemm {
    /// A·B + C.
    pub const fn new() -> Self {
        Gemm {
            alpha: 1.0,
            beta: 1.0,
            transpose_a: false,
            transpose_b: false,
        }
    }

    /// Sets α, the factor of the product; 1 by default.
    pub fn alpha(self, alpha: f32) -> Self {
        Gemm { alpha, ..self }
    }

    /// Sets β, the factor of C; 1 by default. If β is 0, C is not read.
    pub fn beta(self, beta: f32) -> Self {
        Gemm { beta, ..self }
    }

    /// Sets whether A is stored as [K, M]; false by default.
    pub fn transpose_a(self, transpose_a: bool) -> Self {
        Gemm {
            transpose_a,
            ..self
        }
    }

    /// Sets whether B is stored as [N, K]; false by default.
    pub fn transpose_b(self, transpose_b: bool) -> Self {
        Gemm {
            transpose_b,
            ..self
        }
    }
}

impl Tensor {
    /// α·op(A)·op(B) + β·C, [M, N], where `self` is A (ONNX's `Gemm`, BLAS's `sgemm`). C is [M, N], or broadcast from
    /// [1, N], [M, 1] or [1, 1].
    ///
    /// It consists of up to six other calls: a product, scales and a sum. Prefer [`matmul`](Tensor::matmul) or
    /// [`dense`](Tensor::dense) where they suffice.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit.
    pub fn gemm(&self, b: &Tensor, c: Option<&Tensor>, options: Gemm) -> Result<Tensor> {
        let mut product = match (options.transpose_a, options.transpose_b) {
            (false, false) => self.matmul(b, Layout::NN)?,
            (false, true) => self.matmul(b, Layout::NT)?,
            (true, false) => self.matmul(b, Layout::TN)?,
            (true, true) => self.transpose()?.matmul(b, Layout::NT)?,
        };
        let MatrixShape { rows, cols } = product.shape;
        if let Some(c) = c {
            let fits = |found: usize, wanted: usize| found == wanted || found == 1;
            if !fits(c.shape.rows, rows) || !fits(c.shape.cols, cols) {
                let wanted = format!("C [{rows}, {cols}], or 1 in the place of either");
                return Err(Error::shape("gemm", wanted, c.shape));
            }
            super::same_device("gemm", &self.device, &[c])?;
        }
        if options.alpha != 1.0 {
            product = product.scale(options.alpha)?;
        }
        let Some(c) = c.filter(|_| options.beta != 0.0) else {
            return Ok(product);
        };
        let mut c = c.scale(options.beta)?;
        if c.shape.cols != cols {
            // A column times a row of ones is an exact broadcast.
            c = c.matmul(&Tensor::filled(&self.device, [1, cols], 1.0)?, Layout::NN)?;
        }
        if c.shape == product.shape {
            return product.add(&c);
        }
        expect("gemm", "C", c.shape, MatrixShape::new(1, cols))?;
        product.bias_add(&c)
    }
}
