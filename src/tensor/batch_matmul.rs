//! Products of stacks of matrices as tensor calls.

use super::Tensor;
use super::calls::expect;
use crate::Result;
use crate::kernel::{Activation, Epilogue, Layout, Matmul, MatrixShape};
use crate::shape::{Shape, Stacked};

impl Tensor {
    /// The products of two stacks of matrices, C = A·B for each pair, where A is `self` (PyTorch's `torch.matmul` and
    /// `torch.bmm`). The last two dimensions are a matrix, in one of three [`Layout`]s; the leading dimensions count
    /// matrices. Leading dimensions are equal, or one of both is 1 or missing: that operand is shared. Unlike
    /// PyTorch's, a vector is no operand, and leading dimensions may change between own and broadcast at most once. One
    /// dispatch.
    ///
    /// ```
    /// use wgrad::{Device, Layout, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let device = Device::cpu();
    /// let a = Tensor::new(&device, [2, 1, 2], &[1.0, 2.0, 3.0, 4.0])?;
    /// let b = Tensor::new(&device, [2, 1, 2], &[5.0, 6.0, 7.0, 8.0])?;
    /// let c = a.batch_matmul(&b, Layout::NT)?;
    /// assert_eq!((c.shape(), c.download()?), (&[2, 1, 1][..], vec![17.0, 53.0]));
    /// let shared = Tensor::new(&device, [2, 1], &[1.0, 1.0])?;
    /// assert_eq!(a.batch_matmul(&shared, Layout::NN)?.download()?, [3.0, 7.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if an operand has fewer than two dimensions, if the inner dimensions differ, or if
    /// the leading dimensions do not fit; [`Argument`](crate::Error::Argument) if the result has too many elements.
    pub fn batch_matmul(&self, b: &Tensor, layout: Layout) -> Result<Tensor> {
        let (call, dims) = self.stacked("batch_matmul", b, layout)?;
        let shape = call.result();
        Ok(Tensor::call("batch_matmul", call, &[self, b], shape)?.with_dims(dims))
    }

    /// A dense layer for each matrix of a stack, in one dispatch: f(x·Wᵀ + b), with `self` as x [.., batch, inputs],
    /// weight [.., outputs, inputs], whose leading dimensions are those of [`batch_matmul`](Tensor::batch_matmul), and
    /// one bias [1, outputs] for all.
    ///
    /// # Errors
    /// Those of [`batch_matmul`](Tensor::batch_matmul), and [`Shape`](crate::Error::Shape) if the bias does not fit.
    pub fn batch_dense(
        &self,
        weight: &Tensor,
        bias: &Tensor,
        activation: Activation,
    ) -> Result<Tensor> {
        activation.check()?;
        let (mut call, dims) = self.stacked("batch_dense", weight, Layout::NT)?;
        expect(
            "batch_dense",
            "bias",
            bias.shape,
            MatrixShape::new(1, call.n),
        )?;
        call.bias = true;
        call.epilogue = Epilogue::Activation(activation);
        let shape = call.result();
        Ok(Tensor::call("batch_dense", call, &[self, weight, bias], shape)?.with_dims(dims))
    }

    /// The products of two stacks, and the dimensions of the result.
    fn stacked(
        &self,
        operation: &'static str,
        b: &Tensor,
        layout: Layout,
    ) -> Result<(Matmul, Vec<usize>)> {
        let [a, b] = [self, b].map(|tensor| Shape::from(&tensor.dims[..]));
        let stacked = Stacked::new(operation, &a, &b, layout)?;
        let (dims, shape) = super::dimensions(stacked.shape.clone())?;
        let call = stacked.matmul(1);
        debug_assert_eq!(call.result(), shape);
        Ok((call, dims))
    }
}
