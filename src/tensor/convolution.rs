//! Convolutions and their gradients.

use super::calls::expect;
use super::{Tensor, dimensions, same_device};
use crate::device::Operand;
use crate::kernel::{
    Convolution, ConvolutionWeight, Convolve, Epilogue, Geometry, MatrixShape, Movement,
    MovementOp, WeightSum,
};
use crate::{Error, Result, Shape};

/// Gradients of a convolution.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConvolutionGradients {
    /// Gradient with respect to the input, of its shape.
    pub dx: Tensor,
    /// Gradient with respect to the weight, of its shape.
    pub dweight: Tensor,
    /// Gradient with respect to the bias, [1, outputs].
    pub dbias: Tensor,
}

impl Tensor {
    /// The convolution of images (`self`) [batch, H, W, channels] with a weight [outputs, kh, kw, channels / groups],
    /// or of sequences [batch, T, channels] with a weight [outputs, k, channels / groups], plus a bias [1, outputs] if
    /// there is one. This is PyTorch's `conv2d` or `conv1d` with channels last; [`Graph::convolve`](crate::Graph::convolve)
    /// has the formula.
    ///
    /// It is one call, and a second one to rearrange the weight if channels / groups is not a multiple of 4.
    ///
    /// ```
    /// use wgrad::{Convolution, Device, Tensor};
    /// # fn main() -> wgrad::Result<()> {
    /// let device = Device::cpu();
    /// let x = Tensor::new(&device, [1, 3, 3, 1], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])?;
    /// let weight = Tensor::new(&device, [1, 2, 2, 1], &[1.0, 0.0, 0.0, -1.0])?;
    /// let y = x.convolve(&weight, None, (1, 2))?;
    /// assert_eq!((y.shape(), y.download()?), (&[1, 2, 2, 1][..], vec![-4.0; 4]));
    /// let larger = x.convolve(&weight, None, Convolution::new(1, 2).padding(1))?;
    /// assert_eq!(larger.shape(), [1, 4, 4, 1]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit, or the kernel is larger than the padded image;
    /// [`Argument`](Error::Argument) if the groups do not divide channels and outputs, or an output padding is set.
    pub fn convolve(
        &self,
        weight: &Tensor,
        bias: Option<&Tensor>,
        settings: impl Into<Convolution>,
    ) -> Result<Tensor> {
        let call = Call::new("convolve", self, weight, settings.into(), false)?;
        call.apply(self, weight, bias)
    }

    /// The transposed convolution of images (`self`) [batch, H, W, channels] with a weight [channels, kh, kw, outputs /
    /// groups], or of sequences with a weight [channels, k, outputs / groups], plus a bias [1, outputs] if there is
    /// one. This is PyTorch's `conv_transpose2d` or `conv_transpose1d` with channels last.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit, nothing is left of the result after its padding is cut off, or
    /// the output padding is not below stride or dilation; [`Argument`](Error::Argument) if the groups do not divide
    /// channels and outputs.
    pub fn convolve_transposed(
        &self,
        weight: &Tensor,
        bias: Option<&Tensor>,
        settings: impl Into<Convolution>,
    ) -> Result<Tensor> {
        let call = Call::new("convolve_transposed", self, weight, settings.into(), true)?;
        call.apply(self, weight, bias)
    }

    /// Gradients of [`convolve`](Tensor::convolve) from its output gradient dy (`self`), its input x, and its weight.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit; [`Argument`](Error::Argument) as for the convolution.
    pub fn convolve_backward(
        &self,
        x: &Tensor,
        weight: &Tensor,
        settings: impl Into<Convolution>,
    ) -> Result<ConvolutionGradients> {
        let call = Call::new("convolve_backward", x, weight, settings.into(), false)?;
        call.backward(self, x, weight)
    }

    /// Gradients of [`convolve_transposed`](Tensor::convolve_transposed) from its output gradient dy (`self`), its
    /// input x, and its weight.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the shapes do not fit; [`Argument`](Error::Argument) as for the convolution.
    pub fn convolve_transposed_backward(
        &self,
        x: &Tensor,
        weight: &Tensor,
        settings: impl Into<Convolution>,
    ) -> Result<ConvolutionGradients> {
        let name = "convolve_transposed_backward";
        let call = Call::new(name, x, weight, settings.into(), true)?;
        call.backward(self, x, weight)
    }

    /// The same elements as another matrix; the tensor itself if it has this shape.
    fn as_matrix(&self, operation: &'static str, shape: MatrixShape) -> Result<Option<Tensor>> {
        if self.shape == shape || self.shape.floats() == 0 {
            return Ok(None);
        }
        let from = self.shape;
        let op = MovementOp::Reshape { from };
        Tensor::call(operation, Movement { op, shape }, &[self], shape).map(Some)
    }
}

/// A convolution of tensors.
struct Call {
    operation: &'static str,
    geometry: Geometry,
    batch: usize,
    transposed: bool,
    /// Dimensions of the result, and of the weight.
    dims: Vec<usize>,
    weight: Vec<usize>,
}

impl Call {
    fn new(
        operation: &'static str,
        x: &Tensor,
        weight: &Tensor,
        settings: Convolution,
        transposed: bool,
    ) -> Result<Self> {
        let shape = Shape::from(&x.dims);
        let (image, channels) = shape.image(operation)?;
        let geometry = settings.geometry(operation, &image, channels, transposed)?;
        let axes = geometry.place.axes();
        // A sequence has no height.
        let axes = &axes[2 - image.len()..];
        let mut wanted = vec![geometry.outputs];
        wanted.extend(axes.iter().map(|axis| axis.kernel));
        wanted.push(geometry.group_channels());
        if weight.dims != wanted {
            let (wanted, found) = (format!("weight {wanted:?}"), format!("{:?}", weight.dims));
            return Err(Error::shape(operation, wanted, found));
        }
        let mut dims = vec![x.dims[0]];
        dims.extend(axes.iter().map(|axis| match transposed {
            true => axis.input,
            false => axis.output,
        }));
        dims.push(match transposed {
            true => geometry.channels,
            false => geometry.outputs,
        });
        let (dims, _) = dimensions(dims.into())?;
        Ok(Call {
            operation,
            geometry,
            batch: x.dims[0],
            transposed,
            dims,
            weight: wanted,
        })
    }

    /// The convolution, or the other one of the two.
    fn kernel(&self, transposed: bool, bias: bool) -> Convolve {
        Convolve {
            geometry: self.geometry,
            batch: self.batch,
            transposed,
            flat: false,
            bias,
            epilogue: Epilogue::Plain,
        }
    }

    fn apply(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let call = self.kernel(self.transposed, bias.is_some());
        let shape = call.out();
        if let Some(bias) = bias {
            let wanted = MatrixShape::new(1, shape.cols);
            expect(self.operation, "bias", bias.shape, wanted)?;
        }
        let matrix = weight.as_matrix(self.operation, self.geometry.weight())?;
        let mut inputs = vec![x, matrix.as_ref().unwrap_or(weight)];
        inputs.extend(bias);
        let out = Tensor::call(self.operation, call, &inputs, shape)?;
        Ok(out.with_dims(self.dims.clone()))
    }

    fn backward(&self, dy: &Tensor, x: &Tensor, weight: &Tensor) -> Result<ConvolutionGradients> {
        let operation = self.operation;
        if dy.dims != self.dims {
            let (wanted, found) = (format!("dy {:?}", self.dims), format!("{:?}", dy.dims));
            return Err(Error::shape(operation, wanted, found));
        }
        same_device(operation, &dy.device, &[x, weight])?;
        let matrix = weight.as_matrix(operation, self.geometry.weight())?;
        let call = self.kernel(!self.transposed, false);
        let shape = call.out();
        let inputs = [dy, matrix.as_ref().unwrap_or(weight)];
        let dx = Tensor::call(operation, call, &inputs, shape)?.with_dims(x.dims.clone());
        // The sums of the grid are the bias gradient of a forward convolution only.
        let (image, grid) = if self.transposed { (dy, x) } else { (x, dy) };
        let parts = ConvolutionWeight {
            geometry: self.geometry,
            batch: self.batch,
            flat: [false; 2],
            bias: !self.transposed,
        };
        let rows = MatrixShape::new(parts.parts() * parts.part().rows, parts.part().cols);
        super::element_count(rows.rows, rows.cols)?;
        let sum = WeightSum {
            shape: self.geometry.weight(),
            parts: parts.parts(),
            bias: parts.bias,
            gradient: None,
        };
        let parts = Tensor::call(operation, parts, &[image, grid], rows)?;
        let device = &dy.device;
        let mut dweight = Tensor::room(device, self.geometry.weight())?;
        let mut operands = vec![
            Operand::Read(&parts.memory),
            Operand::Write(&mut dweight.memory),
        ];
        let dbias = if self.transposed {
            device.run(sum, &mut operands)?;
            dy.column_sum()?
        } else {
            let mut dbias = Tensor::room(device, MatrixShape::new(1, self.geometry.outputs))?;
            operands.push(Operand::Write(&mut dbias.memory));
            device.run(sum, &mut operands)?;
            dbias
        };
        let dweight = dweight
            .as_matrix(operation, weight.shape)?
            .unwrap_or(dweight);
        Ok(ConvolutionGradients {
            dx,
            dweight: dweight.with_dims(self.weight.clone()),
            dbias,
        })
    }
}
