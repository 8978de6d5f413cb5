//! Tensors on a device, and tensor calls: every kernel with its argument checks.

mod along;
mod attention;
mod axpby;
mod batch_matmul;
mod calls;
mod convolution;
mod embedding;
mod gather;
mod gemm;
mod gradient_norm;
mod loss;
mod movement;
mod normalization;
mod optimize;
mod pooling;
mod random;
mod recurrent;
mod reduce;
mod row_normalization;
mod statistics;

pub use crate::kernel::{Layout, TensorStatistics};
pub use crate::shape::{Dim, Shape};
pub use along::MaxOutput;
pub use attention::{AttentionGradients, AttentionOutput};
pub use convolution::ConvolutionGradients;
pub use gather::Bytes;
pub use gemm::Gemm;
pub use gradient_norm::GradientNorm;
pub use loss::{LossOutput, TensorTarget};
pub use normalization::{BatchNormOutput, NormalizationGradients};
pub use optimize::OptimizerState;
pub use recurrent::{RecurrentGradients, RecurrentLayer, RecurrentOutput};
pub use row_normalization::RmsNormGradients;

use crate::device::{Device, Memory, Operand, Reader, Refusals};
use crate::kernel::{Compute, Elementwise, Kernel, MatrixShape, Op};
use crate::{Error, Result};
use std::sync::Arc;

/// An array of `f32` of any rank on a device, row-major.
///
/// Tensor calls see it as a matrix: all dimensions but the last form the rows (see [`Shape`]). So shape \[3\] is one
/// row, and shape [2, 5, 3] is ten rows of three columns. A result with as many rows as the first operand keeps its
/// leading dimensions.
///
/// A call takes tensors of one device, checks their shapes, and returns a new tensor. It does not wait for the device.
/// Only [`download`](Tensor::download) and the other calls that return numbers do.
///
/// # Calls that are refused
///
/// [`update`](Tensor::update) and its clipped forms, [`accumulate`](Tensor::accumulate), [`average`](Tensor::average)
/// and [`copy_from`](Tensor::copy_from) change a tensor in place, entirely or not at all. If the result would hold a
/// NaN or an infinity, the call is refused: the tensor, the moments and the step count keep their bits, and the error
/// is [`Error::NonFinite`], which names the value that would not be finite. Later calls continue from there. Calls that
/// return new tensors follow `f32` arithmetic and may return NaN or infinities.
///
/// The CPU returns the error from the call itself. A GPU does not wait for a call, so the call returns `Ok`. The error
/// is kept with the tensor, and the next call that reads numbers of that tensor ([`download`](Tensor::download),
/// [`statistics`](Tensor::statistics), [`norm`](Tensor::norm), [`sum`](Tensor::sum), [`argmax`](Tensor::argmax))
/// returns it in their place, once; the one after that returns the numbers. If several calls were refused by then, the
/// error is that of the first. Writing to the tensor in between does not clear it, and no other tensor reports it. A
/// refused update is kept with the [`OptimizerState`] too, which reports it by [`moments`](OptimizerState::moments) in
/// the same way.
///
/// A [`Trainer`](crate::Trainer) has checks of its own.
///
/// ```
/// use wgrad::{Device, Layout, Tensor};
/// # fn main() -> wgrad::Result<()> {
/// let device = Device::cpu();
/// let x = Tensor::new(&device, [2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// let w = Tensor::new(&device, [1, 3], &[1.0, 0.0, -1.0])?;
/// let z = x.matmul(&w, Layout::NT)?; // x·wᵀ
/// assert_eq!(z.download()?, [-2.0, -2.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Tensor {
    device: Device,
    /// Lengths of the dimensions, and the matrix that they form.
    dims: Vec<usize>,
    shape: MatrixShape,
    memory: Memory,
    /// Refused calls on this tensor.
    refusals: Refusals,
    /// Refused updates of the optimizer state that last updated this tensor.
    updates: Option<Arc<Refusals>>,
}

/// A vector of `u32` on a device: labels, or indices of rows.
#[derive(Debug)]
pub struct Indices {
    device: Device,
    len: usize,
    max: u32,
    memory: Memory,
}

impl Tensor {
    /// Uploads a tensor of this shape from its values, in row-major order.
    ///
    /// ```
    /// use wgrad::{Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let x = Tensor::new(&Device::cpu(), [2, 2, 3], &[1.0; 12])?;
    /// assert_eq!(x.shape(), [2, 2, 3]);
    /// assert_eq!(Tensor::new(&Device::cpu(), 3, &[1.0, 2.0, 3.0])?.shape(), [3]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the number of values differs from the shape's; [`Argument`](Error::Argument) if the
    /// padded elements do not fit a 32-bit count; [`Limit`](Error::Limit) or [`OutOfMemory`](Error::OutOfMemory) if the
    /// device has no room.
    pub fn new(device: &Device, shape: impl Into<Shape>, values: &[f32]) -> Result<Self> {
        let (dims, shape) = dimensions(shape.into())?;
        let count = shape.rows * shape.cols;
        if values.len() != count {
            return Err(Error::shape(
                "Tensor::new",
                format!("{count} values for {dims:?}"),
                values.len(),
            ));
        }
        device.check_size("tensor", shape.floats())?;
        Ok(Tensor {
            device: device.clone(),
            memory: device.floats("tensor", shape.pad(values))?,
            dims,
            shape,
            refusals: Refusals::default(),
            updates: None,
        })
    }

    /// A tensor of zeros.
    ///
    /// # Errors
    /// Those of [`Tensor::new`].
    pub fn zeros(device: &Device, shape: impl Into<Shape>) -> Result<Self> {
        let (dims, shape) = dimensions(shape.into())?;
        device.check_size("tensor", shape.floats())?;
        Tensor::new(device, dims, &vec![0.0; shape.rows * shape.cols])
    }

    /// A tensor whose elements all have one value.
    ///
    /// # Errors
    /// Those of [`Tensor::new`].
    pub fn filled(device: &Device, shape: impl Into<Shape>, value: f32) -> Result<Self> {
        let (dims, shape) = dimensions(shape.into())?;
        let mut out = Tensor::room(device, shape)?.with_dims(dims);
        let op = Op::Fill(value);
        device.run(
            Elementwise { op, shape },
            &mut [Operand::Write(&mut out.memory)],
        )?;
        Ok(out)
    }

    fn room(device: &Device, shape: MatrixShape) -> Result<Self> {
        Ok(Tensor {
            device: device.clone(),
            memory: device.room("tensor", shape.floats())?,
            dims: vec![shape.rows, shape.cols],
            shape,
            refusals: Refusals::default(),
            updates: None,
        })
    }

    /// The same matrix with other dimensions.
    fn with_dims(self, dims: Vec<usize>) -> Self {
        Tensor { dims, ..self }
    }

    /// The same matrix with the leading dimensions of another tensor, if that has as many rows.
    fn with_rows_of(mut self, other: &Tensor) -> Self {
        if let (true, Some((_, rows))) =
            (self.shape.rows == other.shape.rows, other.dims.split_last())
        {
            self.dims = [rows, &[self.shape.cols]].concat();
        }
        self
    }

    /// Lengths of the dimensions: `[rows, cols]` for a matrix.
    pub fn shape(&self) -> &[usize] {
        &self.dims
    }

    /// The tensor's device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Copies the values to the host in row-major order, after all work submitted before.
    ///
    /// # Errors
    /// [`DeviceLost`](Error::DeviceLost), or another failure of that work; on a GPU also
    /// [`NonFinite`](Error::NonFinite), once, if a call that would have changed this tensor was
    /// [refused](Tensor#calls-that-are-refused).
    pub async fn download_async(&self) -> Result<Vec<f32>> {
        let words = self.read(&self.memory).await?;
        Ok(self
            .shape
            .unpad(&bytemuck::cast_slice(&words)[..self.shape.floats()]))
    }

    /// Blocking form of [`Tensor::download_async`], with the same errors.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn download(&self) -> Result<Vec<f32>> {
        pollster::block_on(self.download_async())
    }

    /// Copies this tensor's memory, or a result computed from it, to the host; reports a refused call instead, if there
    /// is one.
    async fn read(&self, memory: &Memory) -> Result<Vec<u32>> {
        let reader = Reader {
            shape: self.shape,
            own: &self.refusals,
            state: self.updates.as_deref(),
        };
        reader.read(memory, &self.device).await
    }

    /// Runs a kernel over tensors of one device into a new tensor.
    fn call(
        operation: &'static str,
        kernel: impl Into<Kernel>,
        inputs: &[&Tensor],
        shape: MatrixShape,
    ) -> Result<Tensor> {
        let device = inputs[0].device.clone();
        same_device(operation, &device, inputs)?;
        let mut output = Tensor::room(&device, shape)?;
        let mut operands: Vec<Operand<'_>> =
            inputs.iter().map(|t| Operand::Read(&t.memory)).collect();
        operands.push(Operand::Write(&mut output.memory));
        let kernel = kernel.into();
        debug_assert_eq!(kernel.bindings().len(), operands.len());
        device.run(kernel, &mut operands)?;
        Ok(output.with_rows_of(inputs[0]))
    }
}

impl Indices {
    /// Uploads indices.
    ///
    /// # Errors
    /// [`Limit`](Error::Limit) or [`OutOfMemory`](Error::OutOfMemory) if the device has no room.
    pub fn new(device: &Device, values: &[u32]) -> Result<Self> {
        Ok(Indices {
            device: device.clone(),
            len: values.len(),
            max: values.iter().copied().max().unwrap_or(0),
            memory: device.words("words", values.to_vec())?,
        })
    }

    /// The number of indices.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no indices.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// The matrix rows × cols, if a device can count its padded elements in 32 bits.
fn element_count(rows: usize, cols: usize) -> Result<usize> {
    dimensions(Shape::from([rows, cols])).map(|(_, shape)| shape.rows * shape.cols)
}

/// The lengths of a shape and its matrix, if a device can count its padded elements in 32 bits.
fn dimensions(shape: Shape) -> Result<(Vec<usize>, MatrixShape)> {
    if shape.is_batch() {
        let what = "the shape of a tensor";
        return Err(Error::argument(what, "without a batch", shape));
    }
    match shape.padded() {
        Some(padded) if u32::try_from(padded).is_ok() => Ok((shape.lengths(), shape.at(1))),
        _ => Err(Error::argument(
            "the size of a tensor",
            "below 2³² elements with rows padded to 4",
            shape,
        )),
    }
}

fn same_device(operation: &'static str, device: &Device, tensors: &[&Tensor]) -> Result<()> {
    if tensors.iter().all(|tensor| tensor.device.is_same(device)) {
        Ok(())
    } else {
        Err(Error::DeviceMismatch { operation })
    }
}

#[cfg(test)]
mod guard_tests;
#[cfg(test)]
mod long_tests;
#[cfg(test)]
mod running_tests;
