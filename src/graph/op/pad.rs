//! Zero padding of a value along one dimension, which is also the gradient of a slice.

use super::{Backward, Differentiable, Operation, Slice, operands};
use crate::graph::{Graph, Shape, Value};
use crate::kernel::{Along, Padding, Side};
use crate::{Error, Result};

/// x, padded with zeros along a dimension of the result: x is at elements `start..start + count`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pad {
    pub(crate) x: Value,
    pub(crate) dimension: usize,
    /// Position of the result's dimension in its matrix.
    pub(crate) along: Along,
    pub(crate) start: usize,
    pub(crate) count: usize,
}

impl Operation for Pad {
    operands!(x);

    fn name(&self) -> String {
        match self.along {
            Along {
                side: Side::Columns,
                inner: 1,
                ..
            } => format!("PlaceColumns {}", self.start),
            _ => format!("Pad {} from {}", self.dimension, self.start),
        }
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.x)?;
        Ok(shape.with_length(self.dimension, self.along.length))
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Pad {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let slice = Slice {
            x: dy,
            dimension: self.dimension,
            along: self.along,
            start: self.start,
            count: self.count,
        };
        backward.add(self.x, slice);
    }
}

impl Graph {
    /// x with zeros before and after it along one dimension, counted from 0 including the batch (PyTorch's `F.pad`).
    ///
    /// It takes one dispatch forward and one backward.
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([2, 1])?;
    /// let y = graph.pad(x, 1, 1, 2)?;
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[3.0, 4.0])?, [0.0, 3.0, 4.0, 0.0, 0.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the dimension does not exist or is the batch; [`Limit`](Error::Limit) if the
    /// result is too large.
    pub fn pad(
        &mut self,
        x: Value,
        dimension: usize,
        before: usize,
        after: usize,
    ) -> Result<Value> {
        let along = self.fixed_dimension("the dimension of a padding", x, dimension)?;
        if before == 0 && after == 0 {
            return Ok(x);
        }
        let length = along
            .length
            .checked_add(before)
            .and_then(|n| n.checked_add(after));
        let Some(length) = length.filter(|&n| n <= MAX_PADDED) else {
            let found = format!("{before} + {} + {after}", along.length);
            let expected = format!("at most {MAX_PADDED}");
            return Err(Error::argument(
                "the length with its padding",
                expected,
                found,
            ));
        };
        self.add_operation(Pad {
            x,
            dimension,
            along: along.of_length(length),
            start: before,
            count: along.length,
        })
    }

    /// Zeros around images [batch, H, W, C], or before and after sequences [batch, T, D] (PyTorch's `ZeroPad2d` and
    /// `ZeroPad1d`). Convolutions and pooling pad for themselves, which costs nothing.
    ///
    /// It takes one dispatch for each padded axis, forward and backward.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if x is no batch of images or sequences; [`Argument`](Error::Argument) for
    /// [`Padding::Same`], which needs a window, and for a sequence whose height would be padded.
    pub fn zero_pad(&mut self, x: Value, padding: impl Into<Padding>) -> Result<Value> {
        let padding = padding.into();
        let (image, _) = self.known(x)?.image("zero_pad")?;
        let [height, width] = padding.of_image(&image)?;
        let mut x = x;
        if image.len() == 2 {
            x = self.pad(x, 1, height[0], height[1])?;
        }
        self.pad(x, image.len(), width[0], width[1])
    }
}

/// Largest length of a padded dimension.
const MAX_PADDED: usize = (1 << 31) - 1;
