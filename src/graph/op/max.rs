//! The maximum along a dimension.

use super::{Backward, Differentiable, Operation, operands};
use crate::graph::{Graph, Shape, Value};
use crate::kernel::Along;
use crate::kernel::reduction::dimension_max::MAX_LENGTH;
use crate::{Error, Result};

/// The maximum along a dimension, which keeps length 1. Output 1: the places of the maxima, as floats.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Max {
    pub(crate) x: Value,
    pub(crate) dimension: usize,
    /// Position of x's dimension in its matrix.
    pub(crate) along: Along,
}

impl Operation for Max {
    operands!(x);

    fn name(&self) -> String {
        format!("Max {}", self.dimension)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        Ok(graph.known(self.x)?.with_length(self.dimension, 1))
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Differentiable for Max {
    fn vjp(&self, y: Value, dy: Value, backward: &mut Backward<'_>) {
        let Max {
            x,
            dimension,
            along,
        } = *self;
        // Output 1 follows its operation.
        let places = backward.graph().value(y.0 + 1);
        let dx = MaxBackward {
            dy,
            places,
            dimension,
            along,
        };
        backward.add(x, dx);
    }
}

/// The gradient of x: dy at the places of the maxima, zeros elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MaxBackward {
    pub(crate) dy: Value,
    pub(crate) places: Value,
    pub(crate) dimension: usize,
    /// Position of x's dimension in its matrix.
    pub(crate) along: Along,
}

impl Operation for MaxBackward {
    operands!(dy, places);

    fn name(&self) -> String {
        format!("MaxBackward {}", self.dimension)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let shape = graph.known(self.dy)?;
        Ok(shape.with_length(self.dimension, self.along.length))
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }
}

impl Graph {
    /// The maximum along a dimension, counted from 0 including the batch. The dimension keeps length 1 (PyTorch's
    /// `torch.max` with `keepdim`). The gradient flows to the first of equal maxima. A NaN counts as larger than any
    /// number.
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([2, 3])?;
    /// let y = graph.max(x, 1)?; // over both steps
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, 5.0, 3.0, 4.0, 2.0, 6.0])?, [4.0, 5.0, 6.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Argument`](Error::Argument) if the dimension does not exist, is the batch, or is longer than 2²⁴.
    pub fn max(&mut self, x: Value, dimension: usize) -> Result<Value> {
        let along = self.fixed_dimension("the dimension of a maximum", x, dimension)?;
        if along.length > MAX_LENGTH {
            return Err(Error::argument(
                "the length of a dimension with a maximum",
                format!("at most {MAX_LENGTH}"),
                along.length,
            ));
        }
        let y = self.add_operation(Max {
            x,
            dimension,
            along,
        })?;
        let places = self.shape(y).clone();
        self.output(y, 1, places);
        Ok(y)
    }
}
