//! Reshapes: the same elements with other dimensions.

use super::{Backward, Differentiable, Op, Operation, operands};
use crate::graph::{Graph, Shape, Value};
use crate::{Error, Result};

/// x with other dimensions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reshape {
    pub(crate) x: Value,
    pub(crate) shape: Shape,
    /// Whether both shapes are the same matrix, so that nothing is computed.
    pub(crate) same_matrix: bool,
    /// Whether both shapes have the same memory layout although their numbers of columns differ: true if no row is
    /// padded.
    pub(crate) same_memory: bool,
}

impl Reshape {
    /// A reshape of x to this shape, which has the same number of elements.
    pub(crate) fn new(graph: &Graph, x: Value, shape: Shape) -> Self {
        // A reshape keeps the order of the elements, so a reshape of a reshape is a reshape of the first value.
        let x = match graph.op(x) {
            Op::Reshape(inner) => inner.x,
            _ => x,
        };
        let from = graph.shape(x);
        let whole = |shape: &Shape| shape.cols().is_multiple_of(4);
        Reshape {
            x,
            same_matrix: from.same_matrix(&shape),
            same_memory: whole(from) && whole(&shape),
            shape,
        }
    }

    /// Whether the elements already have the memory layout of the result.
    pub(crate) fn is_free(&self) -> bool {
        self.same_matrix || self.same_memory
    }
}

impl Operation for Reshape {
    operands!(x);

    fn name(&self) -> String {
        format!("Reshape {}", self.shape)
    }

    fn shape(&self, graph: &Graph) -> Result<Shape> {
        let from = graph.known(self.x)?;
        let fits =
            from.is_batch() == self.shape.is_batch() && from.elements() == self.shape.elements();
        if !fits {
            let elements = from.elements();
            return Err(Error::shape(
                "reshape",
                format!("a shape of {elements} elements, like {from} (per sample for a batch)"),
                &self.shape,
            ));
        }
        Ok(self.shape.clone())
    }

    fn mixes_samples(&self, _: &Graph) -> bool {
        false
    }

    fn alias(&self, _inference: bool) -> Option<Value> {
        self.same_matrix.then_some(self.x)
    }
}

impl Differentiable for Reshape {
    fn vjp(&self, _: Value, dy: Value, backward: &mut Backward<'_>) {
        let shape = backward.shape(self.x);
        let dx = Reshape::new(backward.graph(), dy, shape);
        backward.add(self.x, dx);
    }
}

impl Graph {
    /// The same elements in the same order with other dimensions (PyTorch's `torch.reshape`). If x is a batch, these
    /// are the dimensions of a sample. All but the last dimension are rows of a matrix, unless the shape sets another
    /// number of row dimensions (see [`Shape::with_row_dims`]).
    ///
    /// A reshape is free if the number of columns, the last dimension, stays the same, or both numbers are multiples of
    /// four. Otherwise it takes one call, which copies the elements.
    ///
    /// ```
    /// use wgrad::{Device, Graph};
    /// # fn main() -> wgrad::Result<()> {
    /// let mut graph = Graph::new();
    /// let x = graph.input([2, 3])?;
    /// let y = graph.reshape(x, [3, 2])?;
    /// assert_eq!(graph.shape_of(y)?.to_string(), "[batch, 3, 2]");
    /// let network = graph.build(y, &Device::cpu(), 0)?;
    /// assert_eq!(network.predict(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) if the number of elements differs.
    pub fn reshape(&mut self, x: Value, shape: impl Into<Shape>) -> Result<Value> {
        let shape = shape.into();
        let whole = if self.known(x)?.is_batch() && !shape.is_batch() {
            Shape::batch_of(shape)
        } else {
            shape
        };
        whole.check("a reshape to")?;
        self.reshape_to(x, whole)
    }

    /// One row per sample: [batch, elements of a sample] (PyTorch's `Flatten`). See [`Graph::reshape`].
    ///
    /// # Errors
    /// [`Argument`](Error::Argument), as in every operation, if the value belongs to another graph.
    pub fn flatten(&mut self, x: Value) -> Result<Value> {
        let elements = self.known(x)?.elements();
        self.reshape(x, elements)
    }

    /// Reshapes x to this whole shape, including the batch. Returns an existing value if x, or the value that x is a
    /// reshape of, has this shape.
    pub(crate) fn reshape_to(&mut self, x: Value, shape: Shape) -> Result<Value> {
        if self.known(x)? == shape {
            return Ok(x);
        }
        let reshape = Reshape::new(self, x, shape);
        if *self.shape(reshape.x) == reshape.shape {
            return Ok(reshape.x);
        }
        self.add_operation(reshape)
    }
}
