//! Upsampling, made of repetitions.

use super::Repeat;
use crate::graph::{Dim, Graph, Value};
use crate::kernel::PerAxis;
use crate::{Error, Result};

impl Graph {
    /// Images [batch, H, W, C] or sequences [batch, T, D] whose pixels are repeated a number of times along each axis:
    /// [batch, f·H, f·W, C] (PyTorch's `Upsample` with `mode="nearest"` and a whole `scale_factor`).
    ///
    /// It takes one dispatch for each axis whose factor is above 1, forward and backward.
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([1, 2, 1])?;
    /// let y = graph.upsample(x, 2)?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[3.0, 4.0])?, [3.0, 3.0, 4.0, 4.0, 3.0, 3.0, 4.0, 4.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if x is no batch of images or sequences; [`Argument`](Error::Argument) if a factor is 0,
    /// or that of a sequence's height is neither 1 nor that of its length; [`Limit`](Error::Limit) if the result is too
    /// large.
    pub fn upsample(&mut self, x: Value, factor: impl Into<PerAxis>) -> Result<Value> {
        let PerAxis([height, width]) = factor.into();
        let (image, _) = self.known(x)?.image("upsample")?;
        let two_axes = image.len() == 2;
        if height == 0 || width == 0 || !two_axes && height != 1 && height != width {
            return Err(Error::argument(
                "the factors of upsampling",
                "at least 1, and one number for a sequence",
                format!("{height} and {width}"),
            ));
        }
        let mut x = x;
        if two_axes {
            x = self.repeat_steps(x, 1, height)?;
        }
        self.repeat_steps(x, image.len(), width)
    }

    /// Each step along a dimension of the rows, repeated: [.., n, ..] becomes [.., n·times, ..].
    fn repeat_steps(&mut self, x: Value, dimension: usize, times: usize) -> Result<Value> {
        if times == 1 {
            return Ok(x);
        }
        let shape = self.known(x)?;
        let insert = |length: usize| {
            let mut dims = shape.dims().to_vec();
            dims.insert(dimension + 1, Dim::Fixed(length));
            shape.with_more_rows(dims)
        };
        let (once, repeated) = (insert(1), insert(times));
        repeated.check("an upsampled image")?;
        let x = self.reshape_to(x, once)?;
        let along = repeated.along(dimension + 1);
        let y = self.add_operation(Repeat {
            x,
            dimension: dimension + 1,
            along,
        })?;
        let length = shape.along(dimension).length * times;
        self.reshape_to(y, shape.with_length(dimension, length))
    }
}
