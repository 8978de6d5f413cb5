//! Convolutions, transposed convolutions, and the gradient of their weights.
//!
//! With a convolution from images to grids of windows as the linear map A(w), the transposed one is A(w)ᵀ. So the
//! gradient of the source of either is the other one of dy. The gradient of the weights is one operation: it takes an
//! image and a grid, of which x is one and dy the other.

use super::{Backward, Differentiable, Op, Operation, operands};
use crate::graph::{Graph, Init, Shape, Value};
use crate::kernel::{Convolution, Geometry};
use crate::{Error, Result};

/// A convolution, or a transposed one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Convolve {
    /// The source: a row for each pixel, or for each sample if `flat`.
    pub(crate) x: Value,
    /// [outputs, kh, kw, channels of a group].
    pub(crate) w: Value,
    pub(crate) geometry: Geometry,
    pub(crate) transposed: bool,
    pub(crate) flat: bool,
    /// The shape of the result.
    pub(crate) shape: Shape,
    /// The settings, for the name.
    pub(crate) settings: Convolution,
}

impl Operation for Convolve {
    operands!(x, w);

    fn name(&self) -> String {
        let name = if self.transposed {
            "TransposedConvolution"
        } else {
            "Convolution"
        };
        format!("{name} {} {}", self.settings.describe(), self.shape)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        graph.known(self.x)?;
        graph.known(self.w)?;
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, graph: &Graph) -> bool {
        graph.shape(self.w).is_batch()
    }
}

impl Differentiable for Convolve {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let shape = match self.flat {
            // The dimensions of the source, which is a reshape to one row per sample of them.
            true => self.source_shape(),
            false => backward.shape(self.x),
        };
        let dx = Convolve {
            x: dy,
            transposed: !self.transposed,
            flat: false,
            shape,
            ..self.clone()
        };
        backward.add(self.x, dx);
        let (image, grid) = if self.transposed {
            (dy, self.x)
        } else {
            (self.x, dy)
        };
        let flat = [!self.transposed && self.flat, self.transposed && self.flat];
        let shape = backward.shape(self.w);
        backward.add(
            self.w,
            ConvolutionWeight {
                image,
                grid,
                geometry: self.geometry,
                flat,
                shape,
            },
        );
    }
}

impl Convolve {
    /// The shape of the source with its dimensions.
    fn source_shape(&self) -> Shape {
        let [height, width] = self.geometry.place.axes();
        let (lengths, channels) = if self.transposed {
            ([height.output, width.output], self.geometry.outputs)
        } else {
            ([height.input, width.input], self.geometry.channels)
        };
        let sequence = self.shape.dims().len() == 3;
        self.shape
            .with_image(&lengths[usize::from(sequence)..], channels)
    }
}

/// The gradient of the weights of a convolution: grid times image over all windows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ConvolutionWeight {
    pub(crate) image: Value,
    pub(crate) grid: Value,
    pub(crate) geometry: Geometry,
    /// Whether a sample is one row, of the image and of the grid.
    pub(crate) flat: [bool; 2],
    /// The shape of the weights.
    pub(crate) shape: Shape,
}

impl Operation for ConvolutionWeight {
    operands!(image, grid);

    fn name(&self) -> String {
        format!("ConvolutionWeight {}", self.shape)
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, graph: &Graph) -> bool {
        graph.shape(self.image).is_batch() || graph.shape(self.grid).is_batch()
    }
}

impl Graph {
    /// The convolution of images x [batch, H, W, channels] with a weight [outputs, kh, kw, channels / groups], or of
    /// sequences [batch, T, channels] with a weight [outputs, k, channels / groups]. The weight has one row dimension
    /// ([`Shape::with_row_dims`]). With stride s, dilation d and padding b in front,
    ///
    /// y[h, w, o] = Σ x[h·s + i·d − b, w·s + j·d − b, c] · weight[o, i, j, c] over i, j and the channels c of o's group,
    ///
    /// where x is 0 outside the image. This is PyTorch's `conv2d` or `conv1d` with channels last: a cross-correlation,
    /// as all libraries have it. A bias of the settings is not part of it: see [`Graph::convolution`].
    ///
    /// It takes one dispatch, and backward one for the gradient of x and two for that of the weight. Bias and
    /// activation after it are computed in the same dispatch.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if x is not a batch of images or sequences, the kernel is larger than the padded image,
    /// or the weight does not fit; [`Argument`](Error::Argument) if the groups do not divide channels and outputs, or
    /// an output padding is set.
    pub fn convolve(
        &mut self,
        x: Value,
        weight: Value,
        settings: impl Into<Convolution>,
    ) -> Result<Value> {
        self.add_convolution(x, weight, settings.into(), false)
    }

    /// The transposed convolution of x [batch, H, W, channels] with a weight [channels, kh, kw, outputs / groups], or
    /// of sequences with a weight [channels, k, outputs / groups]: the linear map whose matrix is the transpose of that
    /// of the [convolution](Graph::convolve) with the same weight and settings, from outputs to channels. It enlarges
    /// an image by the stride.
    ///
    /// This is PyTorch's `conv_transpose2d` or `conv_transpose1d` with channels last.
    ///
    /// It takes one dispatch, with the bias and the activation after it, and backward one for the gradient of x and two
    /// for that of the weight. The gradient of a bias is one more: a convolution's weight gradient goes over the windows
    /// of dy and sums them up on its way, a transposed one's reads each element of dy several times.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if x is not a batch of images or sequences, nothing is left of the result after its
    /// padding is cut off, an output padding is not below stride or dilation, or the weight does not fit;
    /// [`Argument`](Error::Argument) if the groups do not divide channels and outputs.
    pub fn convolve_transposed(
        &mut self,
        x: Value,
        weight: Value,
        settings: impl Into<Convolution>,
    ) -> Result<Value> {
        self.add_convolution(x, weight, settings.into(), true)
    }

    /// A convolution layer with its own weight and bias, named `layers.i.weight` and `layers.i.bias`: see
    /// [`Graph::convolve`]. The initial bias is 0. Initialisations take channels/groups·kh·kw as fan-in and
    /// outputs·kh·kw as fan-out.
    ///
    /// ```
    /// use wgrad::{Convolution, Device, Graph, Init};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([3, 3, 1])?;
    /// let y = graph.convolution(x, Convolution::new(1, 2), Init::Constant(1.0))?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// let image = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
    /// assert_eq!(network.predict(&image)?, [12.0, 16.0, 24.0, 28.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Graph::convolve`].
    pub fn convolution(
        &mut self,
        x: Value,
        settings: impl Into<Convolution>,
        init: Init,
    ) -> Result<Value> {
        self.convolution_layer(x, settings.into(), init, false)
    }

    /// A transposed convolution layer with its own weight and bias, as in [`Graph::convolution`]: see
    /// [`Graph::convolve_transposed`]. Initialisations take channels/groups·kh·kw as fan-in and outputs·kh·kw as
    /// fan-out, where PyTorch has them the other way round.
    ///
    /// # Errors
    /// Those of [`Graph::convolve_transposed`].
    pub fn transposed_convolution(
        &mut self,
        x: Value,
        settings: impl Into<Convolution>,
        init: Init,
    ) -> Result<Value> {
        self.convolution_layer(x, settings.into(), init, true)
    }

    fn convolution_layer(
        &mut self,
        x: Value,
        settings: Convolution,
        init: Init,
        transposed: bool,
    ) -> Result<Value> {
        let (image, channels) = self.known(x)?.image(operation(transposed))?;
        let geometry = settings.geometry(operation(transposed), &image, channels, transposed)?;
        let shape = weight_shape(&geometry, image.len())?;
        let taps = geometry.place.taps();
        let outputs = if transposed {
            geometry.channels
        } else {
            geometry.outputs
        };
        let fans = [channels / geometry.groups, outputs].map(|n| n.saturating_mul(taps));
        let name = format!("layers.{}", self.layers);
        let weight = self.parameter_with_fans(&format!("{name}.weight"), shape, init, fans)?;
        self.layers += 1;
        let y = self.add_convolution(x, weight, settings, transposed)?;
        if !settings.has_bias() {
            return Ok(y);
        }
        let bias = self.vector(&format!("{name}.bias"), outputs, Init::Zeros)?;
        self.bias_add(y, bias)
    }

    fn add_convolution(
        &mut self,
        x: Value,
        w: Value,
        settings: Convolution,
        transposed: bool,
    ) -> Result<Value> {
        let operation = operation(transposed);
        let shape = self.known(x)?;
        let (image, channels) = shape.image(operation)?;
        let geometry = settings.geometry(operation, &image, channels, transposed)?;
        let weight = weight_shape(&geometry, image.len())?;
        let found = self.known(w)?;
        if found != weight {
            let expected = format!("a weight {weight} with one row dimension");
            return Err(Error::shape(operation, expected, found));
        }
        self.is_kernel(w);
        let [height, width] = geometry.place.axes();
        let (lengths, outputs) = if transposed {
            ([height.input, width.input], geometry.channels)
        } else {
            ([height.output, width.output], geometry.outputs)
        };
        let result = shape.with_image(&lengths[2 - image.len()..], outputs);
        // A source that is one row per sample in memory is read there, where its pixels have no padding.
        let (x, flat) = match self.op(x) {
            Op::Reshape(reshape)
                if !reshape.is_free() && is_flat(self.shape(reshape.x), &shape) =>
            {
                (reshape.x, true)
            }
            _ => (x, false),
        };
        self.add_operation(Convolve {
            x,
            w,
            geometry,
            transposed,
            flat,
            shape: result,
            settings,
        })
    }
}

fn operation(transposed: bool) -> &'static str {
    if transposed {
        "transposed convolution"
    } else {
        "convolution"
    }
}

/// The shape of the weight, with or without a height.
fn weight_shape(geometry: &Geometry, lengths: usize) -> Result<Shape> {
    let [height, width] = geometry.place.axes();
    let dims = [
        geometry.outputs,
        height.kernel,
        width.kernel,
        geometry.group_channels(),
    ];
    let dims = match lengths {
        2 => dims.to_vec(),
        _ => vec![dims[0], dims[2], dims[3]],
    };
    Shape::from(dims).with_row_dims(1)
}

/// Whether a value has one row for each sample of an image.
fn is_flat(flat: &Shape, image: &Shape) -> bool {
    flat.row_dims() == 1 && flat.dims().first() == image.dims().first()
}
