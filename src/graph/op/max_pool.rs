//! Max pooling.

use super::{Backward, Differentiable, Operation, operands};
use crate::Result;
use crate::graph::{Graph, Shape, Value};
use crate::kernel::Pool;
use crate::kernel::base::window::Placement;
use crate::kernel::reduction::pooling::check_taps;

/// The maximum of each window. Output 1: the taps of the maxima, as floats.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MaxPool {
    pub(crate) x: Value,
    pub(crate) placement: Placement,
    /// Shape of the result.
    pub(crate) shape: Shape,
}

impl Operation for MaxPool {
    operands!(x);

    fn name(&self) -> String {
        format!("MaxPool {}", self.placement)
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for MaxPool {
    fn vjp(&self, y: Value, dy: Value, backward: &mut Backward<'_>) {
        // Output 1 follows its operation.
        let places = backward.graph().value(y.0 + 1);
        let dx = MaxPoolBackward {
            dy,
            places,
            placement: self.placement,
            shape: backward.shape(self.x),
        };
        backward.add(self.x, dx);
    }
}

/// The gradient of x: the sum of dy over the windows whose maximum is the pixel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MaxPoolBackward {
    pub(crate) dy: Value,
    pub(crate) places: Value,
    pub(crate) placement: Placement,
    /// Shape of x.
    pub(crate) shape: Shape,
}

impl Operation for MaxPoolBackward {
    operands!(dy, places);

    fn name(&self) -> String {
        format!("MaxPoolBackward {}", self.placement)
    }

    fn shape(&self, _: &Graph) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Graph {
    /// Max pooling of images [batch, H, W, C] to [batch, H′, W′, C], or of sequences [batch, T, D] to [batch, T′, D]:
    /// the maximum of each window and channel (PyTorch's `MaxPool2d` and `MaxPool1d`). [`Pool`] has the settings and
    /// the formula of H′; a number is a kernel size, and its windows do not overlap. Padding is never the maximum. The
    /// gradient flows to the first of equal maxima, row by row. A NaN counts as larger than any number, and of several
    /// the last receives the gradient, as in PyTorch.
    ///
    /// It takes one dispatch forward and one backward.
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let image = graph.input([2, 4, 1])?;
    /// let y = graph.max_pool(image, 2)?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, 2.0, 8.0, 7.0, 4.0, 3.0, 5.0, 6.0])?, [4.0, 8.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if x is no batch of images or sequences, the kernel is larger than the padded
    /// image, a setting is 0, or a window lies on padding only; [`Argument`](crate::Error::Argument) if a setting of a
    /// sequence has a height of its own, or a window has more than 2²⁴ taps.
    pub fn max_pool(&mut self, x: Value, pool: impl Into<Pool>) -> Result<Value> {
        let (placement, shape) = self.pooled("max_pool", x, pool.into())?;
        let places = shape.clone();
        let y = self.add_operation(MaxPool {
            x,
            placement,
            shape,
        })?;
        self.output(y, 1, places);
        Ok(y)
    }

    /// The maximum of each channel over the whole image or sequence: [`Graph::max_pool`] with one window, [batch, 1, 1,
    /// C] or [batch, 1, D] (PyTorch's `AdaptiveMaxPool2d(1)`). A [`flatten`](Graph::flatten) behind it is free.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) if x is no batch of images or sequences.
    pub fn global_max_pool(&mut self, x: Value) -> Result<Value> {
        let (image, _) = self.known(x)?.image("global_max_pool")?;
        self.max_pool(x, Pool::global(&image))
    }

    /// The windows of a pooling on x, and the shape of its result.
    pub(super) fn pooled(
        &self,
        operation: &'static str,
        x: Value,
        pool: Pool,
    ) -> Result<(Placement, Shape)> {
        let shape = self.known(x)?;
        let (image, channels) = shape.image(operation)?;
        let placement = pool.place(operation, &image)?;
        check_taps(&placement)?;
        let result = shape.with_image(&placement.result(&image), channels);
        Ok((placement, result))
    }
}
